"""Wherever the round is shortest."""

from __future__ import annotations

import numpy as np

from cosim.cuts.base import Cuts, Fleet
from cosim.cuts.forecast import Indices, Seconds

_MOST_LENGTHS = 200
"""Lengths of a round that are tried; with more clients not every time that one of them may take."""


class OptimalDelay:
    """All clients cut where their common round is the shortest that the cost model finds.

    Tried are, for every length that a round may have, the cuts at which each client asks as little of its server as it
    can while it would be in time by itself, and one cut for all. So who is fast, or has less to learn from, takes
    over work from the server that others wait for.
    """

    scored = False
    timed = True

    def cuts(self, fleet: Fleet) -> Cuts:
        """See ``CutPolicy.cuts``; of equals, the first that was tried, shallow ones first."""
        forecast = fleet.expected
        clients, layers = forecast.own_s.shape
        alone_s = forecast.alone_s
        lengths_s = np.unique(alone_s)
        some = np.unique(np.linspace(0, len(lengths_s) - 1, _MOST_LENGTHS).astype(np.int64))
        tried = np.stack(
            [
                *(np.full(clients, place) for place in range(layers)),
                *(_in_time(forecast.own_s, alone_s, length_s) for length_s in lengths_s[some]),
            ]
        )
        found: Cuts = fleet.layers[tried[forecast.round_s(tried).argmin()]]
        return found


def _in_time(own_s: Seconds, alone_s: Seconds, length_s: float) -> Indices:
    """Where each client (K,) takes as much upon itself as it can in that time, or its fastest cut if none is fast
    enough."""
    in_time = alone_s <= length_s
    most = np.where(in_time, own_s, -np.inf).argmax(axis=1)
    found: Indices = np.where(in_time.any(axis=1), most, alone_s.argmin(axis=1))
    return found
