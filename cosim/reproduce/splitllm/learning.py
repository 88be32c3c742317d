"""What SplitLLM learns beside split-fed learning, at equal samples and at equal rounds.

Both average copies; what differs is how often for a number of samples. A round of split-fed learning averages N copies
that have gone the same number of steps, which takes it as far as one copy goes, with less noise; SplitLLM spends the
samples of that round on N / M rounds of M copies, and goes N / M times as many steps one after another. So at equal
samples it is ahead as long as there is something left to learn, and at equal rounds about alike, behind by what M users
of a round lack of what all N have. Where the last part is one adapter that all mini-batches step, as many steps are
taken of it in either.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from cosim.reproduce.row import Row
from cosim.reproduce.training import LearningCurve, Trained

TOLERANCE_PERCENT = 3.0
SHARED = "splitllm", "splitfed-shared"
REPLICATED = "splitllm-replicated", "splitfed"
"""Labels of the scenario: with one adapter of the last part for all, and with one for each pair or user."""


def rows(trained: Trained) -> list[Row]:
    """Final perplexities, and how much higher SplitLLM's is."""
    of = f"tiny-gpt2, {trained.repetitions}"
    group = f"perplexity of SplitLLM above that of split-fed learning, {of}"
    ours, theirs = (trained.curves[label] for label in SHARED)
    copies, all_copies = (trained.curves[label] for label in REPLICATED)
    apart = {
        "rounds": "users' data differ, and a round has those of M of N",
        "samples": "SplitLLM averages N / M times as often for the same samples, and goes as many more steps",
    }
    return [
        *trained.finals(f"final perplexity, all schemes with equal samples, {of}"),
        Row(group=group, name="equal samples, one last part for all", ours=above_percent(ours, theirs, "samples"),
            expected=0.0, unit="%", known="derived", tolerance=TOLERANCE_PERCENT,
            why="equal, but for the order of steps and the noise of averages over M and not N copies"),
        *(
            Row(group=group, name=f"equal {by}, a last part for each", unit="%", known="ours",
                ours=above_percent(copies, all_copies, by), why=why)
            for by, why in apart.items()
        ),
    ]  # fmt: skip


def above_percent(ours: Sequence[LearningCurve], theirs: Sequence[LearningCurve], by: str) -> float:
    """By how much our perplexity is higher at the last number of ``rounds`` or ``samples`` at which both were seen;
    the mean over seeds."""
    return 100.0 * fmean(_ratio(one, other, by) - 1.0 for one, other in zip(ours, theirs, strict=True))


def _ratio(one: LearningCurve, other: LearningCurve, by: str) -> float:
    seen: list[Sequence[int]] = [getattr(curve, by) for curve in (one, other)]
    common = max(set(seen[0]) & set(seen[1]))
    return one.perplexity[seen[0].index(common)] / other.perplexity[seen[1].index(common)]
