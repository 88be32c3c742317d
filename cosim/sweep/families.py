"""Which points train the same, so that one of them does it and the others find it in the cache."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.sweep.points import Point
from cosim.trained_once import training_of


def families(points: Sequence[Point]) -> list[list[Point]]:
    """The points in groups that train the same, in the order of their first ones."""
    groups: dict[str, list[Point]] = {}
    for point in points:
        groups.setdefault(training_of(point.scenario) or point.name, []).append(point)
    return list(groups.values())
