"""How far a sweep is: its points, those that are there already, and those that are to be run now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cosim.sweep.families import families
from cosim.sweep.kept import kept_summary
from cosim.sweep.points import Point


class Part(NamedTuple):
    """One of so many parts of a sweep, from 1 on, each run by a command of its own, on whatever machine."""

    number: int
    of: int


WHOLE = Part(1, 1)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """All ``points``, the summaries of finished ones by name, and the missing ones of a part, in their families."""

    points: Sequence[Point]
    folder: Path
    kept: dict[str, dict[str, Any]]
    there_before: int
    missing: list[list[Point]]

    @property
    def to_run(self) -> int:
        """How many points are missing."""
        return sum(map(len, self.missing))

    @property
    def wanted(self) -> int:
        """How many points the part has."""
        return self.there_before + self.to_run


def standing(points: Sequence[Point], folder: Path, part: Part = WHOLE) -> Standing:
    """How far the sweep into ``folder`` is. Points that train the same are in the same ``part``."""
    kept = {point.name: found for point in points if (found := kept_summary(point.scenario, point.folder)) is not None}
    ours = families(points)[part.number - 1 :: part.of]
    missing = [[point for point in family if point.name not in kept] for family in ours]
    return Standing(
        points=points,
        folder=folder,
        kept=kept,
        there_before=sum(point.name in kept for family in ours for point in family),
        missing=[family for family in missing if family],
    )
