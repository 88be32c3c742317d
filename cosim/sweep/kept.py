"""What an earlier sweep into the same folder has left of a point."""

from __future__ import annotations

import json
from typing import Any

import yaml

from cosim.sweep.points import Point

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's takes a tenth of the time, where there is one


def kept_summary(point: Point) -> dict[str, Any] | None:
    """The summary of a finished run of exactly this scenario; None if there is none, or not whole."""
    try:
        summary = json.loads((point.folder / "summary.json").read_text(encoding="utf-8"))
        written = yaml.load((point.folder / "scenario.yaml").read_text(encoding="utf-8"), _LOADER)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    if (
        not isinstance(summary, dict)
        or not summary.get("finished")
        or written != point.scenario.model_dump(mode="json")
    ):
        return None
    return summary
