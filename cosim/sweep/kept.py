"""What an earlier sweep into the same folder has left of a point."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from cosim.sweep.points import Point, mark

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's takes a tenth of the time, where there is one


def kept_summary(point: Point) -> dict[str, Any] | None:
    """The summary of a finished run of exactly this scenario; None if there is none, or not whole."""
    kept = _finished(point.folder)
    return kept.summary if kept is not None and kept.is_of(point) else None


def beside_others(points: Sequence[Point]) -> list[Point]:
    """The points, with another name for each whose folder has a finished run of another scenario, which stays."""
    return [
        _renamed(point) if (kept := _finished(point.folder)) and not kept.is_of(point) else point for point in points
    ]


@dataclass(frozen=True)
class _Finished:
    """What a finished run has left."""

    summary: dict[str, Any]
    scenario: dict[str, Any]

    def is_of(self, point: Point) -> bool:
        """Whether it was a run of exactly the point's scenario."""
        return self.scenario == point.scenario.model_dump(mode="json")


def _finished(folder: Path) -> _Finished | None:
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        scenario = yaml.load((folder / "scenario.yaml").read_text(encoding="utf-8"), _LOADER)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    whole = isinstance(scenario, dict) and isinstance(summary, dict) and summary.get("finished")
    return _Finished(summary, scenario) if whole else None


def _renamed(point: Point) -> Point:
    name = f"{point.name}-{mark(point.scenario.model_dump(mode='json'))}"
    return replace(point, name=name, folder=point.folder.with_name(name))
