"""What lies in the folder of a sweep: the points that any sweep has finished there, and claims to those under way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from cosim.scenario import Scenario

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's takes a tenth of the time, where there is one


def kept_summary(scenario: Scenario, folder: Path) -> dict[str, Any] | None:
    """The summary in ``folder`` of a finished run of exactly this scenario; None if there is none, or not whole."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        written = yaml.load((folder / "scenario.yaml").read_text(encoding="utf-8"), _LOADER)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    if not isinstance(summary, dict) or not summary.get("finished") or written != scenario.model_dump(mode="json"):
        return None
    return summary


def claim_of(folder: Path) -> Path:
    """The file that says who works on ``folder``; beside it, for the folder itself is made anew."""
    return folder.with_name(f".{folder.name}.lock")
