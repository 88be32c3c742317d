"""What every crew of workers offers to a sweep, whether its workers are processes here or anywhere in a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from cosim.sweep.points import Point
from cosim.sweep.resources import Share


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a point: its summary, or why there is none.

    ``because`` of a worker that ``died``, a ``problem`` of the point's own, or another sweep that has it ``elsewhere``.
    """

    point: Point
    summary: dict[str, Any] | None = None
    problem: str = ""
    because: Literal["", "problem", "died", "elsewhere"] = ""


class Crew(Protocol):
    """Workers that run points; one that dies takes nothing with it but its point, and another takes its place."""

    @property
    def share(self) -> Share:
        """How many points run at a time, and on how many cores."""

    @property
    def busy(self) -> list[Point]:
        """What is under way."""

    def prepare(self, points: int) -> None:
        """Begin the workers for so many points, should that take a while."""

    def take(self, point: Point, threads: int, patience_s: float) -> None:
        """Have a worker run ``point`` on so many cores, waiting so long for another sweep that has it to be done."""

    def outcomes(self, timeout_s: float) -> Iterator[Outcome]:
        """What has come to an end, waiting for ``timeout_s`` at most."""

    def close(self) -> None:
        """End all workers, and at once what they do."""
