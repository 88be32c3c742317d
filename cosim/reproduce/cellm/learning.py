"""What each method's bytes and time buy: until it has learned so much of what dense LoRA learns.

How much is learned is told by the loss: a share of the way from the state before training to the best that dense LoRA
comes to, seed by seed. A run that does not come so far has no bytes and no time; how many do is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from cosim.reproduce.row import Known, Row, our_rows
from cosim.reproduce.training import LearningCurve, Trained

DENSE = "dense"
CELLM = ("cellm-quarter", "cellm-sixteenth")
SPARSE = ("federated_select", "sparse_adapter", "adapter_lth")
"""Labels of the scenario."""
SHARES = (0.9, 0.95, 1.0)
PAPER_DENSE, PAPER_SPARSE = 10.0, 5.0
"""Up to so many times fewer bytes than dense LoRA, and than other sparse LoRA."""
_MEGA = 1e6

Costs = dict[str, float]
"""By label, the mean over seeds, of those methods of which every seed has come so far."""


def rows(trained: Trained, data: str, *, classes: bool) -> list[Row]:
    """Perplexity or accuracy at the end, and for each share of dense LoRA's learning bytes, time, and factors of
    bytes."""
    of = f"tiny-gpt2, {data}, {trained.repetitions}"
    finals = (
        trained.accuracies(f"accuracy at the end, {of}") if classes else trained.finals(f"perplexity at the end, {of}")
    )
    return [*finals, *(row for share in SHARES for row in _of_share(trained, share, of))]


def _of_share(trained: Trained, share: float, of: str) -> list[Row]:
    levels = levels_of(trained.curves[DENSE], share)
    said = f"{share:.0%} of dense LoRA's learning (loss {fmean(levels):.3f}), {of}"
    megabytes = costs(trained.curves, levels, lambda curve: [each / _MEGA for each in curve.air_bytes])
    seconds = costs(trained.curves, levels, lambda curve: curve.seconds)
    return [
        *_missed(trained.curves, levels, f"seeds that reach {said}"),
        *our_rows(megabytes, f"bytes over the air to {said}", "MB"),
        *our_rows(seconds, f"simulated time to {said}", "s"),
        *factors(megabytes, f"times the bytes to {said}"),
    ]


def levels_of(dense: Sequence[LearningCurve], share: float) -> list[float]:
    """The loss, seed by seed, at which that share of dense LoRA's fall of it is done."""
    return [curve.loss[0] - share * (curve.loss[0] - min(curve.loss)) for curve in dense]


def first_at(curve: LearningCurve, level: float, spent: Sequence[float]) -> float | None:
    """What had been ``spent`` at the first evaluation of at most ``level``; None if there is none."""
    reached = (cost for loss, cost in zip(curve.loss, spent, strict=True) if _at_most(loss, level))
    return next(reached, None)


def _at_most(loss: float, level: float) -> bool:
    """Dense LoRA reaches its own best, whatever differences and products have rounded."""
    return loss <= level + 1e-12


def costs(
    curves: Mapping[str, Sequence[LearningCurve]],
    levels: Sequence[float],
    spent: Callable[[LearningCurve], Sequence[float]],
) -> Costs:
    """What it took to come to the ``levels``."""
    found: Costs = {}
    for label, of_seeds in curves.items():
        each = [first_at(curve, level, spent(curve)) for curve, level in zip(of_seeds, levels, strict=True)]
        known = [cost for cost in each if cost is not None]
        if len(known) == len(each):
            found[label] = fmean(known)
    return found


def factors(megabytes: Costs, group: str) -> list[Row]:
    """How many times the bytes of CELLM dense LoRA and the other sparse methods take; the best beside the paper's."""
    cellm = {label: megabytes[label] for label in CELLM if label in megabytes}
    if not cellm:
        return []
    best = min(cellm, key=lambda label: cellm[label])
    found = [
        _factor(group, f"{label} over {best}", took / cellm[best]) for label, took in megabytes.items() if label != best
    ]
    sparse = [megabytes[label] / cellm[best] for label in SPARSE if label in megabytes]
    if DENSE in megabytes:
        found.append(_factor(group, "dense over the best cellm", megabytes[DENSE] / cellm[best], PAPER_DENSE))
    if sparse:
        found.append(_factor(group, "the most of the other sparse over the best cellm", max(sparse), PAPER_SPARSE))
    return found


def _factor(group: str, name: str, ours: float, paper: float | None = None) -> Row:
    known: Known = "ours" if paper is None else "stated"
    why = "" if paper is None else "the paper's is the most of its tasks, models and densities"
    return Row(group=group, name=name, ours=ours, unit="times", known=known, paper=paper, why=why)


def _missed(curves: Mapping[str, Sequence[LearningCurve]], levels: Sequence[float], group: str) -> list[Row]:
    """Of each method of which not all seeds come so far."""
    reached = {
        label: sum(_at_most(min(curve.loss), level) for curve, level in zip(of_seeds, levels, strict=True))
        for label, of_seeds in curves.items()
    }
    return [
        Row(group=group, name=f"{label}: not all", ours=float(count), unit=f"of {len(levels)}", known="ours")
        for label, count in reached.items()
        if count < len(levels)
    ]
