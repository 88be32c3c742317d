"""Progress of a sweep on the terminal: points done, running, found in the cache, failed, the time left, and a table."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from cosim.sweep.points import Point

LAST = 6
"""Points that have come to an end and are still seen."""
MOST_RUNNING = 12
"""Points under way that are seen, as many as fit on a screen."""
_REFRESHES_PER_S = 2


class PointsProgress:
    """A bar over all points, above those under way and the last ones; what goes wrong is said even when ``quiet``."""

    def __init__(self, points: int, *, quiet: bool) -> None:
        self._live = _Live(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[seen]}", markup=False),
            TimeElapsedColumn(),
            _Left(),
            console=Console(stderr=True),
            disable=quiet,
            refresh_per_second=_REFRESHES_PER_S,
        )
        self._task = self._live.add_task("points", total=points, seen="", found=0)
        self._running: dict[str, TaskID] = {}
        self._cached = self._failed = 0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.over = True
        self._live.stop()

    def found(self, points: int) -> None:
        """See ``Listener.found``."""
        self._live.update(self._task, advance=points, found=points)

    def began(self, point: Point) -> None:
        """See ``Listener.began``."""
        self._running[point.name] = self._live.add_task(point.name)
        self._show()

    def ended(self, point: Point, summary: Mapping[str, Any] | None, *, cached: bool, problem: str) -> None:
        """See ``Listener.ended``."""
        self._cached += cached
        self._failed += bool(problem)
        self._live.ended.append((point.name, *_said(summary, cached=cached)))
        self._live.advance(self._task)
        self._leave(point)

    def lost(self, point: Point, problem: str) -> None:
        """See ``Listener.lost``."""
        self._leave(point)
        self._live.console.print(f"{point.name}: {problem}; it is tried again", markup=False, highlight=False)

    def elsewhere(self, point: Point) -> None:
        """See ``Listener.elsewhere``."""
        self._leave(point)

    def seen(self) -> str:
        """What the bar says beside the number of points that are done."""
        counts = {"running": len(self._running), "trained before": self._cached, "failed": self._failed}
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)

    def _leave(self, point: Point) -> None:
        self._live.remove_task(self._running.pop(point.name))
        self._show()

    def _show(self) -> None:
        self._live.update(self._task, seen=self.seen())


class _Live(Progress):
    """The bar of the first task, and a table of the last points ``ended`` and of the other tasks, until it is over."""

    def __init__(self, *columns: ProgressColumn, **options: Any) -> None:
        self.ended: deque[tuple[str, str, str, str]] = deque(maxlen=LAST)
        self.over = False
        super().__init__(*columns, **options)

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn at each refresh."""
        yield self.make_tasks_table(self.tasks[:1])
        if self.over:
            return
        table = Table("point", "", "simulated", "perplexity", box=None, padding=(0, 2, 0, 0))
        for name, status, time, perplexity in self.ended:
            table.add_row(Text(name), status, time, perplexity)
        for task in self.tasks[1 : MOST_RUNNING + 1]:
            table.add_row(Text(task.description), f"running {_clock(task.elapsed)}")
        yield table


class _Left(ProgressColumn):
    """The time until all points are done, if the others take as long as those that were run so far."""

    def render(self, task: Task) -> Text:
        """As `hours:minutes:seconds`."""
        run = task.completed - task.fields["found"]
        left_s = None if not run or task.elapsed is None else task.elapsed * (task.remaining or 0.0) / run
        return Text(f"left {_clock(left_s)}", style="progress.remaining")


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "-:--:--"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _said(summary: Mapping[str, Any] | None, *, cached: bool) -> tuple[str, str, str]:
    """What became of a point: in a word, its simulated time, and its perplexity where it has one."""
    if summary is None:
        return "failed", "", ""
    perplexity = summary["final"]["perplexity"]
    learned = "" if perplexity is None else f"{perplexity:.2f}"
    return "trained before" if cached else "done", f"{summary['sim_time_s']:.1f} s", learned
