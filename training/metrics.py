"""How good an adapter is, as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Count(NamedTuple):
    """How often a class was predicted rightly, was predicted, and was right."""

    hits: int
    predicted: int
    right: int


@dataclass(frozen=True, kw_only=True)
class Score:
    """Sums over the predictions in some rows, of next tokens or of classes; ``loss`` in nats, ``hits`` are right.

    ``counts`` are those of each class; of next tokens there are none.
    """

    loss: float
    hits: int
    predictions: int
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Means over all predictions; ``loss`` in nats. ``f1`` is of classes alone, see ``macro_f1``."""

    loss: float
    accuracy: float
    f1: float | None = None

    @staticmethod
    def of(scores: Sequence[Score]) -> Metrics:
        """The means over all that was scored."""
        count = max(sum(score.predictions for score in scores), 1)
        loss = math.fsum(score.loss for score in scores)
        counts = [
            Count(*map(sum, zip(*of_class, strict=True))) for of_class in zip(*(s.counts for s in scores), strict=True)
        ]
        return Metrics(loss=loss / count, accuracy=sum(score.hits for score in scores) / count, f1=macro_f1(counts))

    @property
    def perplexity(self) -> float:
        """exp(loss), a quantity of next tokens; infinite, not an error, where training has diverged."""
        try:
            return math.exp(self.loss)
        except OverflowError:
            return math.inf


def macro_f1(counts: Sequence[Count]) -> float | None:
    """The mean, over the classes that are predicted or right anywhere, of 2 hits / (predicted + right).

    The harmonic mean of precision and recall, alike for rare and for frequent classes; None without classes.
    """
    seen = [count for count in counts if count.predicted or count.right]
    if not seen:
        return None
    return math.fsum(2 * count.hits / (count.predicted + count.right) for count in seen) / len(seen)
