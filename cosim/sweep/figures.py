"""What is drawn of a sweep, while it goes on and at its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cosim.results import appearing
from cosim.scenario import Scenario
from cosim.sweep.request import Request

NAME = "figures.json"


def figures(scenario: Scenario, wanted: Request) -> list[str | dict[str, Any]]:
    """What a file with a ``sweep`` section names, or else simulated time against what is varied.

    Of what varies in more ways than an axis and lines can show nothing is drawn, unless it is named.
    """
    if scenario.sweep is not None and scenario.figures is not None:
        return list(scenario.figures)
    most = 1 if wanted.zip or wanted.samples is not None or wanted.compare else 2
    if not 1 <= len(wanted.varied) <= most:
        return []
    return [{"kind": "sweep", "x": next(iter(wanted.varied))}]


def note(wanted: list[str | dict[str, Any]], folder: Path) -> None:
    """Leave in ``folder`` what is drawn of the sweep there.

    Raises:
        OSError: it cannot be written.
    """
    with appearing(folder / NAME) as path:
        path.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
