"""Progress of one or several runs on the terminal: rounds, simulated time, loss."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cosim.observer import Row


class RunsProgress:
    """A bar for each run, by label; nothing is drawn when ``quiet``."""

    def __init__(self, labels: Sequence[str], rounds: Sequence[int], *, quiet: bool) -> None:
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[seen]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=quiet,
        )
        width = max(map(len, labels))
        self._tasks = {
            label: self.bars.add_task(label.ljust(width), total=total, seen="")
            for label, total in zip(labels, rounds, strict=True)
        }

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def seen(self, label: str, row: Row) -> None:
        """A round of ``label`` has ended."""
        self.bars.update(self._tasks[label], completed=row["round"], seen=describe(row))


def describe(row: Row) -> str:
    """Simulated time and training loss so far."""
    time = f"simulated {row['sim_time_s']:.1f} s"
    return time if row["train_loss"] is None else f"{time}  loss {row['train_loss']:.3f}"
