"""All clients shall take about as long."""

from __future__ import annotations

import numpy as np

from cosim.cuts.base import Cuts, Fleet


class Resource:
    """Each client cuts where its round takes as nearly as can be what the median one takes now."""

    scored = False
    timed = True

    def cuts(self, fleet: Fleet) -> Cuts:
        """See ``CutPolicy.cuts``; of two cuts as near, the shallow one."""
        away = np.abs(fleet.times_s - np.median(fleet.times_now_s))
        nearest: Cuts = fleet.layers[np.argmin(away, axis=1)]
        return nearest


def deepest_in_time(fleet: Fleet, slack: float) -> Cuts:
    """The deepest cut (K,) at which each takes at most 1 + ``slack`` of what the median client takes now.

    Where no cut is fast enough it is the fastest one.
    """
    in_time = fleet.times_s <= (1.0 + slack) * np.median(fleet.times_now_s)
    deepest = in_time.shape[1] - 1 - np.argmax(in_time[:, ::-1], axis=1)
    found: Cuts = fleet.layers[np.where(in_time.any(axis=1), deepest, np.argmin(fleet.times_s, axis=1))]
    return found
