"""How good an adapter is, as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Score:
    """Sums over the predictions in some rows, of next tokens or of classes; ``loss`` in nats, ``hits`` are right."""

    loss: float
    hits: int
    predictions: int


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Means over all predictions; ``loss`` in nats."""

    loss: float
    accuracy: float

    @staticmethod
    def of(scores: Sequence[Score]) -> Metrics:
        """The means over all that was scored."""
        count = max(sum(score.predictions for score in scores), 1)
        loss = math.fsum(score.loss for score in scores)
        return Metrics(loss=loss / count, accuracy=sum(score.hits for score in scores) / count)

    @property
    def perplexity(self) -> float:
        """exp(loss), a quantity of next tokens; infinite, not an error, where training has diverged."""
        try:
            return math.exp(self.loss)
        except OverflowError:
            return math.inf
