"""One layer up or down."""

from __future__ import annotations

import numpy as np

from cosim.cuts.base import Cuts, Fleet


class Sign:
    """One layer more for who is above the mean score by over ``margin`` of it, one less for who is as far below."""

    scored = True
    timed = False

    def __init__(self, *, margin: float = 0.0) -> None:
        if margin < 0.0:
            raise ValueError(f"margin = {margin:g}: must not be negative")
        self._margin = margin

    def cuts(self, fleet: Fleet) -> Cuts:
        """See ``CutPolicy.cuts``."""
        assert fleet.scores is not None  # as ``scored`` asks for
        mean = fleet.scores.mean()
        away = fleet.scores - mean
        return fleet.cuts + np.where(np.abs(away) > self._margin * abs(mean), np.sign(away), 0.0).astype(np.int64)
