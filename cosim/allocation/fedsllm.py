"""The bands of FedsLLM: as they must be for all to finish together, as early as can be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.allocation.allocator import Allocator
from cosim.allocation.exact import LeastDelay
from cosim.allocation.problem import DelayProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class OptimalBands(Allocator):
    """Bands and local accuracy of least delay, by the exact solver (FedsLLM, arXiv 2407.09250)."""

    def sharing(self, drops: DelayProblem, users: NDArray[np.int64]) -> LeastDelay:
        """See ``Allocator.sharing``."""
        return LeastDelay()
