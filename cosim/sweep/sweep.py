"""The sweep itself: who runs what next, until all points are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cosim.sweep.crew import Crew, Outcome
from cosim.sweep.families import families
from cosim.sweep.kept import kept_summary
from cosim.sweep.points import Point
from cosim.sweep.resources import Share
from cosim.sweep.schedule import Schedule
from cosim.sweep.table import SweepTable

_POLL_S = 1.0
_TRIES = 2
"""Of a point whose worker dies: it may have been another's fault."""


class Listener(Protocol):
    """Who is told how the sweep goes on."""

    def found(self, points: int) -> None:
        """So many points were there before."""

    def began(self, point: Point) -> None:
        """``point`` runs now."""

    def ended(self, point: Point, summary: Mapping[str, Any] | None, *, cached: bool, problem: str) -> None:
        """``point`` is over; ``cached`` if it trained nothing, ``problem`` and no ``summary`` if it failed."""

    def lost(self, point: Point, problem: str) -> None:
        """The worker of ``point`` died, and it will run again."""


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What became of a sweep: how many points were there before, how many are now, and what failed and why."""

    there_before: int
    done: int
    failed: dict[str, str]
    interrupted: bool


@dataclass
class _Sweep:
    """A sweep under way."""

    table: SweepTable
    schedule: Schedule
    crew: Crew
    share: Share
    listener: Listener
    done: int = 0
    tries: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Until nothing is left to do."""
        self.hand_out()
        self.crew.prepare()
        while self.crew.busy:
            for outcome in self.crew.outcomes(_POLL_S):
                self.settle(outcome)
            self.hand_out()
            self.table.write_if_due()

    def hand_out(self) -> None:
        """Give points to all workers that are free."""
        while self.crew.free and (point := self.schedule.next()) is not None:
            threads = self.share.threads(len(self.crew.busy) + 1 + self.schedule.ready)
            self.crew.take(point, threads)
            self.table.set(point, "running")
            self.listener.began(point)

    def settle(self, outcome: Outcome) -> None:
        """Note what became of a point; one whose worker died runs once more."""
        point = outcome.point
        tries = self.tries[point.name] = self.tries.get(point.name, 0) + 1
        if outcome.died and tries < _TRIES:
            self.schedule.again(point)
            self.listener.lost(point, outcome.problem)
            return
        summary = outcome.summary
        self.table.set(point, "failed" if summary is None else "done", summary)
        if summary is None:
            self.failed[point.name] = outcome.problem
        else:
            self.done += 1
        jobs = (summary or {}).get("jobs", {"run": 1})
        cached = not jobs["run"] and bool(jobs["cached"])
        self.listener.ended(point, summary, cached=cached, problem=outcome.problem)
        self.schedule.done(point, trained=summary is not None)


def sweep(points: Sequence[Point], folder: Path, share: Share, listener: Listener) -> Swept:
    """Run all points that are not there yet, and leave the table of all of them in ``folder``.

    Ctrl-C ends what is under way, and keeps what is finished.

    Raises:
        OSError: the table cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = SweepTable(points, folder)
    missing = []
    for point in points:
        summary = kept_summary(point)
        if summary is None:
            missing.append(point)
        else:
            table.set(point, "done", summary)
    before = len(points) - len(missing)
    listener.found(before)
    under_way = _Sweep(table, Schedule(families(missing)), Crew(min(share.workers, len(missing))), share, listener)
    interrupted = False
    try:
        under_way.run()
    except KeyboardInterrupt:
        interrupted = True
    finally:
        under_way.crew.close()
    if interrupted:
        table.stopped()
    table.write()
    return Swept(there_before=before, done=before + under_way.done, failed=under_way.failed, interrupted=interrupted)
