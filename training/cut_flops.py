"""FLOPs of both parts at every cut of a model, of which few are measured."""

from __future__ import annotations

from collections.abc import Callable

from training.adapters import Part, Ranks
from training.steps import Batch

StepFlops = Callable[[Part, Batch, Ranks | None], tuple[int, ...]]
"""FLOPs of each phase of a mini-batch in a part."""

_Line = tuple[tuple[int, int], ...]  # of each phase: FLOPs at the first cut, and how many more at each further one


class FlopsByCut:
    """Answers as ``measure`` does, for the user part and the last part of a model of so many ``blocks``.

    A block more or less makes the same difference wherever the cut is, if all blocks are alike. So they are taken to
    be if FLOPs at the first, the middle and the last cut lie on a line; else every cut is measured.
    """

    def __init__(self, measure: StepFlops, blocks: int) -> None:
        self._measure = measure
        self._blocks = blocks
        self._lines: dict[tuple[bool, tuple[int, int], Ranks | None], _Line | None] = {}

    def __call__(self, part: Part, batch: Batch, ranks: Ranks | None) -> tuple[int, ...]:
        """FLOPs of each phase of ``batch`` in ``part``; those between two cuts are always measured."""
        if part.first > 0 and part.last < self._blocks:
            return self._measure(part, batch, ranks)
        users = part.first == 0
        key = (users, batch.shape, ranks)
        if key not in self._lines:
            self._lines[key] = self._line(users, batch, ranks)
        line, cut = self._lines[key], part.last if users else part.first
        if line is None:
            return self._measure(part, batch, ranks)
        return tuple(first + (cut - 1) * step for first, step in line)

    def _line(self, users: bool, batch: Batch, ranks: Ranks | None) -> _Line | None:
        last, middle = self._blocks - 1, self._blocks // 2
        if not 1 < middle < last:
            return None
        at_first, at_middle, at_last = (
            self._measure(Part(first=0, last=cut) if users else Part(first=cut, last=self._blocks), batch, ranks)
            for cut in (1, middle, last)
        )
        line = tuple((first, (end - first) // (last - 1)) for first, end in zip(at_first, at_last, strict=True))
        on_it = [
            first + (cut - 1) * step == there
            for cut, found in ((middle, at_middle), (last, at_last))
            for (first, step), there in zip(line, found, strict=True)
        ]
        return line if all(on_it) else None
