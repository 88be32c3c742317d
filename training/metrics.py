"""How good an adapter is, as numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Means over all predicted tokens; ``loss`` in nats a token."""

    loss: float
    accuracy: float

    @property
    def perplexity(self) -> float:
        """exp(loss); infinite, not an error, where training has diverged."""
        try:
            return math.exp(self.loss)
        except OverflowError:
            return math.inf
