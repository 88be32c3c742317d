"""The same band for everybody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.allocation.allocator import Allocator
from cosim.allocation.as_given import AsGiven
from cosim.allocation.problem import DelayProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class EqualBands(Allocator):
    """Equal bands, whatever users have to send: EB of Yang et al. (arXiv 2007.03462); with a given eta, BA."""

    def sharing(self, drops: DelayProblem, users: NDArray[np.int64]) -> AsGiven:
        """See ``Allocator.sharing``."""
        return AsGiven(np.full((len(drops.compute_s), len(users)), 1.0 / len(users)))
