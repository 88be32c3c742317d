"""Progress of a sweep on the terminal: points done, running, found in the cache, failed, and the time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cosim.sweep.points import Point


class PointsProgress:
    """One bar over all points; what goes wrong is said as it happens, even when ``quiet``."""

    def __init__(self, points: int, *, quiet: bool) -> None:
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[seen]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left", markup=False),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=quiet,
        )
        self._task = self._bar.add_task("points", total=points, seen="")
        self._running = self._cached = self._failed = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def found(self, points: int) -> None:
        """See ``Listener.found``."""
        self._bar.advance(self._task, points)

    def began(self, point: Point) -> None:
        """See ``Listener.began``."""
        self._running += 1
        self._show()

    def ended(self, point: Point, *, cached: bool, problem: str) -> None:
        """See ``Listener.ended``."""
        self._running -= 1
        self._cached += cached
        self._failed += bool(problem)
        self._bar.advance(self._task)
        self._show()

    def lost(self, point: Point, problem: str) -> None:
        """See ``Listener.lost``."""
        self._running -= 1
        self._show()
        self._bar.console.print(f"{point.name}: {problem}; it is tried again", markup=False, highlight=False)

    def elsewhere(self, point: Point) -> None:
        """See ``Listener.elsewhere``."""
        self._running -= 1
        self._show()

    def seen(self) -> str:
        """What the bar says beside the number of points that are done."""
        counts = {"running": self._running, "trained before": self._cached, "failed": self._failed}
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)

    def _show(self) -> None:
        self._bar.update(self._task, seen=self.seen())
