"""The sweep itself: who runs what next, until all points are done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cosim.claims import LEASE_S
from cosim.sweep.crew import Crew, Outcome
from cosim.sweep.points import Point
from cosim.sweep.schedule import Schedule
from cosim.sweep.standing import Standing
from cosim.sweep.table import SweepTable

_POLL_S = 1.0
_TRIES = 2
"""Of a point whose worker dies: it may have been another's fault."""
_PATIENCE_S = 2 * LEASE_S
"""With a point that another sweep has: if that has died, it is known to have by then."""


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

    def elsewhere(self, point: Point) -> None:
        """Another sweep has ``point``; it will be asked for again."""


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
    listener: Listener
    tries: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)

    def run(self, points: int) -> None:
        """Until nothing is left to do of so many points."""
        self.hand_out()
        self.crew.prepare(points)
        while self.crew.busy:
            for outcome in self.crew.outcomes(_POLL_S):
                self.settle(outcome)
            self.hand_out()
            self.table.write_if_due()

    def hand_out(self) -> None:
        """Give points to all workers that are free."""
        share = self.crew.share
        while len(self.crew.busy) < share.workers and (point := self.schedule.next()) is not None:
            threads = share.threads(len(self.crew.busy) + 1 + self.schedule.ready)
            self.crew.take(point, threads, _PATIENCE_S if point.name in self.elsewhere else 0.0)
            self.table.set(point, "running")
            self.listener.began(point)

    def settle(self, outcome: Outcome) -> None:
        """Note what became of a point; one whose worker died runs once more."""
        point = outcome.point
        if outcome.because == "elsewhere":
            self.elsewhere.add(point.name)
            self.schedule.elsewhere(point)
            self.table.set(point, "waiting")
            self.listener.elsewhere(point)
            return
        tries = self.tries[point.name] = self.tries.get(point.name, 0) + 1
        if outcome.because == "died" and tries < _TRIES:
            self.schedule.again(point)
            self.listener.lost(point, outcome.problem)
            return
        summary = outcome.summary
        self.table.set(point, "failed" if summary is None else "done", summary)
        if summary is None:
            self.failed[point.name] = outcome.problem
        jobs = (summary or {}).get("jobs", {"run": 1})
        cached = not jobs["run"] and bool(jobs["cached"])
        self.listener.ended(point, summary, cached=cached, problem=outcome.problem)
        self.schedule.done(point, trained=summary is not None)


def sweep(begun: Standing, crew: Crew, listener: Listener) -> Swept:
    """Have ``crew`` run all points that are missing, and leave the table of all points in the folder of the sweep.

    Several sweeps into one folder share its points: each is run by one of them. Ctrl-C ends what is under way, and
    keeps what is finished.

    Raises:
        OSError: the table cannot be written.
        ConnectionError: all workers are gone at once.
    """
    begun.folder.mkdir(parents=True, exist_ok=True)
    table = SweepTable(begun.points, begun.folder)
    for point in begun.points:
        if point.name in begun.kept:
            table.set(point, "done", begun.kept[point.name])
    listener.found(begun.there_before)
    under_way = _Sweep(table, Schedule(begun.missing), crew, listener)
    wanted = [point for family in begun.missing for point in family]
    interrupted = False
    try:
        under_way.run(begun.to_run)
    except KeyboardInterrupt:
        interrupted = True
    finally:  # however it ends, what is finished is in the table, and nothing runs any more
        crew.close()
        table.stopped()
        table.write()
    return Swept(
        there_before=begun.there_before,
        done=begun.there_before + table.done(wanted),  # who was interrupted may not have heard of all
        failed=under_way.failed,
        interrupted=interrupted,
    )
