"""Who learns better takes more layers, as far as it is fast enough."""

from __future__ import annotations

import numpy as np

from cosim.cuts.base import Cuts, Fleet
from cosim.cuts.performance import Performance
from cosim.cuts.resource import deepest_in_time


class PerformanceAndResource:
    """SplitFT's two grounds together: what ``performance`` wants, no deeper than ``slack`` beyond the median time."""

    scored = True
    timed = True

    def __init__(
        self, *, gamma: float = 1.0, least_weight: float = 0.5, most_weight: float = 3.0, slack: float = 0.2
    ) -> None:
        if slack < 0.0:
            raise ValueError(f"slack = {slack:g}: must not be negative")
        self._performance = Performance(gamma=gamma, least_weight=least_weight, most_weight=most_weight)
        self._slack = slack

    def cuts(self, fleet: Fleet) -> Cuts:
        """See ``CutPolicy.cuts``."""
        return np.minimum(self._performance.cuts(fleet), deepest_in_time(fleet, self._slack))
