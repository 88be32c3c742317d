"""Cuts that adapt to devices against one cut for all, at one rank everywhere: what they cost and gain in time.

At one rank the cut changes nothing of what is learned, so that runs of a seed differ in time alone, and are compared
at the perplexity that all of them reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from cosim.reproduce.row import Row, our_rows
from cosim.reproduce.training import LearningCurve, Trained

FIXED = "cut-"
"""How labels of the scenario begin at which one cut is everybody's."""


def rows(trained: Trained) -> list[Row]:
    """Time to target, and how much less it is than at the best of the fixed cuts of the same seed."""
    group = f"tiny-gpt2, one rank, {trained.repetitions}"
    policies = [label for label in trained.curves if not label.startswith(FIXED)]
    fixed = [curves for label, curves in trained.curves.items() if label.startswith(FIXED)]
    best = [min(curve.seconds[-1] for curve in of_seed) for of_seed in zip(*fixed, strict=True)]
    less = {label: _less_percent(trained.curves[label], best) for label in policies}
    means, least = ({label: of(each) for label, each in less.items()} for of in (fmean, min))
    return [
        *trained.times(f"simulated time to {trained.target}, {group}"),
        *our_rows(means, f"less time for it all than at the best fixed cut of a seed, {group}", "%"),
        *our_rows(least, f"the same, the seed with the least gain, {group}", "%"),
        Row(group=f"losses of different cuts, {group}", name="largest difference", ours=_apart(trained.curves), unit="",
            expected=0.0, known="derived", tolerance=0.0, why="the same steps, averages and numbers"),
    ]  # fmt: skip


def _less_percent(curves: Sequence[LearningCurve], best: Sequence[float]) -> list[float]:
    """Of the whole run, at whose end all have learned alike."""
    return [100.0 * (1.0 - curve.seconds[-1] / least) for curve, least in zip(curves, best, strict=True)]


def _apart(curves: Mapping[str, Sequence[LearningCurve]]) -> float:
    """Between any two runs of a seed, at any evaluation."""
    apart: float = max(
        max(losses) - min(losses)
        for of_seed in zip(*curves.values(), strict=True)
        for losses in zip(*(curve.loss for curve in of_seed), strict=True)
    )
    return apart
