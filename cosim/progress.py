"""Progress of one or several runs on the terminal: rounds, simulated time, loss."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cosim.observer import Row

MOST_BARS = 12
"""Runs beyond which only those under way have a bar, below one that counts the runs."""


class RunsProgress:
    """A bar for each run, by name; nothing is drawn when ``quiet``."""

    def __init__(self, names: Sequence[str], rounds: Sequence[int], *, quiet: bool) -> None:
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[seen]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=quiet,
        )
        width = max(map(len, names))
        self._many = len(names) > MOST_BARS
        self._all = self.bars.add_task("all runs".ljust(width), total=len(names), visible=self._many, seen="")
        self._tasks = {
            name: self.bars.add_task(name.ljust(width), total=total, visible=not self._many, seen="")
            for name, total in zip(names, rounds, strict=True)
        }
        self._last_round = dict(zip(names, rounds, strict=True))

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def waits(self, name: str) -> None:
        """The run ``name`` begins when another is over."""
        self.bars.update(self._tasks[name], seen="waits for a run that trains the same")

    def seen(self, name: str, row: Row) -> None:
        """A round of the run ``name`` has ended."""
        ended = row["round"] >= self._last_round[name]
        visible = not (self._many and ended)
        self.bars.update(self._tasks[name], completed=row["round"], seen=describe(row), visible=visible)
        if ended:
            self.bars.advance(self._all)


def describe(row: Row) -> str:
    """Simulated time and training loss so far."""
    time = f"simulated {row['sim_time_s']:.1f} s"
    return time if row["train_loss"] is None else f"{time}  loss {row['train_loss']:.3f}"
