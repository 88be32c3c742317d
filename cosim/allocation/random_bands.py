"""Bands as the dice fall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from channel_models.randomness import Stream
from cosim.allocation.allocator import Allocator
from cosim.allocation.as_given import AsGiven
from cosim.allocation.problem import DelayProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomBands(Allocator):
    """Bands in proportion to uniform draws, one for each user and drop: RB of Yang et al. (arXiv 2007.03462)."""

    stream: Stream

    def sharing(self, drops: DelayProblem, users: NDArray[np.int64]) -> AsGiven:
        """See ``Allocator.sharing``."""
        draws = self.stream.uniform(users[None, :], np.arange(len(drops.compute_s))[:, None])
        return AsGiven(draws / draws.sum(axis=1, keepdims=True))
