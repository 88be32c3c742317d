"""Which points train the same, so that one of them does it and the others find it in the cache.

The rule is cheap and on the safe side: what only says when things happen is left out, and all else must be equal. Of
points that train differently all the same, as asynchronous schemes do, each trains what is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cosim.scenario import Scenario
from cosim.sweep.points import Point

_ONLY_TIMES: dict[str, tuple[str, ...]] = {
    "radio": (),
    "backhaul": (),
    "payloads": (),
    "cloud": (),
    "host": (),
    "users": ("compute", "power", "availability"),
    "edges": ("compute", "power"),
    "scheme": ("label", "allocation", "encoding"),
}
"""Sections that say when things happen and not what is learned: all of one, or some of its keys."""


def families(points: Sequence[Point]) -> list[list[Point]]:
    """The points in groups that train the same, in the order of their first ones."""
    groups: dict[str, list[Point]] = {}
    for point in points:
        groups.setdefault(training_of(point.scenario) or point.name, []).append(point)
    return list(groups.values())


def training_of(scenario: Scenario) -> str | None:
    """All that the training of ``scenario`` depends on, as text; None where it leaves nothing in the cache."""
    if scenario.execution != "deferred" or not scenario.host.cache:
        return None
    settings: dict[str, Any] = scenario.model_dump(mode="json")
    for section, keys in _ONLY_TIMES.items():
        if keys:
            settings[section] = {key: value for key, value in settings[section].items() if key not in keys}
        else:
            del settings[section]
    exact = all(way["name"] == "none" for way in settings["scheme"].get("compression", {}).values())
    if settings["scheme"].get("server") == "replicated" and exact:  # then a cut changes no number: training/whole.py
        settings["scheme"].pop("cut", None)
    return repr(settings)
