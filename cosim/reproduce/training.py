"""What the schemes of a paper's scenario have learned, by real training on common seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path
from statistics import fmean

from cosim.reproduce.row import Row, our_rows

PAPERS = Path(__file__).resolve().parents[2] / "scenarios" / "papers"
"""Beside the packages, in a clone and where the project is installed."""


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """Of one run, a point an evaluation: loss and accuracy after so many rounds and training sequences.

    ``seconds`` are of simulated time, and ``air_bytes`` over the radio, both ways, since the start.
    """

    rounds: Sequence[int]
    samples: Sequence[int]
    loss: Sequence[float]
    accuracy: Sequence[float]
    seconds: Sequence[float]
    air_bytes: Sequence[float]

    @property
    def perplexity(self) -> list[float]:
        """Of a language model."""
        return [exp(loss) for loss in self.loss]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Simulated time to ``target``, the mean over seeds, and learning curves, one a seed, by the schemes' labels."""

    target: str
    seconds_to_target: Mapping[str, float]
    curves: Mapping[str, Sequence[LearningCurve]]

    def finals(self, group: str) -> list[Row]:
        """Perplexity at the end, the mean over seeds; no paper has such numbers."""
        return our_rows(self._means(lambda curve: curve.perplexity[-1]), group, "")

    def accuracies(self, group: str) -> list[Row]:
        """Accuracy at the end, the mean over seeds."""
        return our_rows(self._means(lambda curve: 100.0 * curve.accuracy[-1]), group, "%")

    def _means(self, number: Callable[[LearningCurve], float]) -> dict[str, float]:
        return {label: fmean(number(curve) for curve in curves) for label, curves in self.curves.items()}

    def times(self, group: str) -> list[Row]:
        """Simulated time to the target."""
        return our_rows(self.seconds_to_target, group, "s")

    @property
    def repetitions(self) -> str:
        """How often all was run, in words."""
        seeds = max(map(len, self.curves.values()))
        return f"{seeds} seed{'s' if seeds > 1 else ''}"
