"""How good an adapter is, as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Score:
    """Sums over the predicted tokens of some rows; ``loss`` in nats, ``hits`` are tokens predicted right."""

    loss: float
    hits: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Means over all predicted tokens; ``loss`` in nats a token."""

    loss: float
    accuracy: float

    @staticmethod
    def of(scores: Sequence[Score]) -> Metrics:
        """The means over all that was scored."""
        tokens = max(sum(score.tokens for score in scores), 1)
        loss = math.fsum(score.loss for score in scores)
        return Metrics(loss=loss / tokens, accuracy=sum(score.hits for score in scores) / tokens)

    @property
    def perplexity(self) -> float:
        """exp(loss); infinite, not an error, where training has diverged."""
        try:
            return math.exp(self.loss)
        except OverflowError:
            return math.inf
