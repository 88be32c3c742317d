"""What is finished stays: a changed scenario gets a folder of its own beside that of the run it differs from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cosim.sweep.kept import kept_summary
from cosim.sweep.points import Point, mark


def beside_others(points: Sequence[Point]) -> list[Point]:
    """The points, with another name for each whose folder has a finished run of another scenario."""
    return [_renamed(point) if _has_another(point) else point for point in points]


def _has_another(point: Point) -> bool:
    return _is_finished(point.folder) and kept_summary(point.scenario, point.folder) is None


def _is_finished(folder: Path) -> bool:
    """Whether a run has come to its end there."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(summary, dict) and bool(summary.get("finished"))


def _renamed(point: Point) -> Point:
    name = f"{point.name}-{mark(point.scenario.model_dump(mode='json'))}"
    return replace(point, name=name, folder=point.folder.with_name(name))
