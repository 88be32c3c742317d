"""Who learns better than the others takes more layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.cuts.base import Cuts, Fleet

_LEAST_MEAN = 1e-6  # of scores, where they are all but zero


class Performance:
    """SplitFT's heuristic (arXiv 2604.26388) as we read it: a client above the mean accuracy takes more layers.

    A weight of each client, 1 at first, moves by ``gamma`` times its distance to the mean, relative to that, within
    ``least_weight`` and ``most_weight``; the cut is the first one times the weight, rounded. The paper does not say how
    it adjusts, nor its gamma.
    """

    scored = True
    timed = False

    def __init__(self, *, gamma: float = 1.0, least_weight: float = 0.5, most_weight: float = 3.0) -> None:
        if gamma < 0.0:
            raise ValueError(f"gamma = {gamma:g}: must not be negative")
        if not 0.0 < least_weight <= 1.0 <= most_weight:
            raise ValueError(f"least_weight = {least_weight:g}, most_weight = {most_weight:g}: 1 must lie between them")
        self._gamma = gamma
        self._range = (least_weight, most_weight)
        self._first: Cuts | None = None
        self._weights: NDArray[np.float64] | None = None

    def cuts(self, fleet: Fleet) -> Cuts:
        """See ``CutPolicy.cuts``."""
        assert fleet.scores is not None  # as ``scored`` asks for
        if self._first is None or self._weights is None:
            self._first, self._weights = fleet.cuts, np.ones(len(fleet.cuts))
        mean = float(fleet.scores.mean())
        moved = self._weights + self._gamma * (fleet.scores - mean) / max(abs(mean), _LEAST_MEAN)
        self._weights = np.clip(moved, *self._range)
        return np.rint(self._first * self._weights).astype(np.int64)
