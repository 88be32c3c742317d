"""The points of a sweep: a scenario each, under a name that says what was varied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.entries import Entry, entries, inherited, single
from cosim.scenario.loading import changed, checked
from cosim.sweep.settings import Settings

_UNSAFE = re.compile(r"[^\w.+-]+", re.ASCII)
_LONGEST_NAME = 120
"""Characters, so that temporary names made from it stay below the 255 that file systems take."""
_LEFT_OUT = ("compare", "figures", "sweep")
"""What has no part in a run of one scheme."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One run of a sweep: its place in the order, what was varied, its scenario, resolved, and the folder of it."""

    place: int
    name: str
    settings: Settings
    scenario: Scenario
    folder: Path

    @property
    def entry(self) -> Entry:
        """The scheme."""
        return entries(self.scenario)[0]


def points(tree: dict[str, Any], source: str, settings: Sequence[Settings], folder: Path) -> list[Point]:
    """A point for each of ``settings``, which change the scenario ``tree``; results go to ``folder/NAME``.

    Raises:
        ScenarioError: one line for each mistake, naming the key and the value of its point.
    """
    if unfit := next((key for each in settings for key in each if key.partition(".")[0] in ("name", *_LEFT_OUT)), None):
        raise ScenarioError(f"--vary {unfit}: not a part of one run, so that it cannot be varied")
    found: dict[str, Point] = {}
    problems = []
    for place, chosen in enumerate(settings):
        try:
            scenario = _scenario(tree, chosen, source)
        except ScenarioError as error:
            problems += [f"{line}; at the point {_said(chosen)}" for line in str(error).split("\n")]
            continue
        name = name_of(chosen) or "as-given"
        if (other := found.get(name.lower())) is not None:
            if other.scenario == scenario:
                raise ScenarioError(f"two points are alike: {_said(other.settings)}, and {_said(chosen)}")
            name = f"{name}-{_mark(chosen)}"  # 5mW and 5MW are one folder to some file systems
        found[name.lower()] = Point(place=place, name=name, settings=chosen, scenario=scenario, folder=folder / name)
    if problems:
        raise ScenarioError("\n".join(_few(problems)))
    return list(found.values())


def name_of(settings: Mapping[str, Any]) -> str:
    """``radio.bandwidth=5MHz,users.count=10``: safe as the name of a folder, and no other settings' name."""
    parts, faithful = [], True
    for key, value in settings.items():
        text = (value if isinstance(value, str) else _json(value)).replace(" ", "")
        short = _UNSAFE.sub("-", text).strip("-")
        faithful &= short == text and bool(short)
        parts.append(f"{_UNSAFE.sub('-', key)}={short}")
    name = ",".join(parts)
    if faithful and len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}-{_mark(settings)}"


def _mark(settings: Mapping[str, Any]) -> str:
    return blake2b(_json(settings).encode(), digest_size=4).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _scenario(tree: dict[str, Any], settings: Settings, source: str) -> Scenario:
    """The scenario of one point; of the scheme in the file another scheme has the options that it knows."""
    alone = {key: value for key, value in tree.items() if key not in _LEFT_OUT}
    if (chosen := settings.get("scheme.name")) is not None and isinstance(alone.get("scheme"), dict):
        wanted = {"name": chosen}
        alone["scheme"] = {**inherited("scheme", wanted, alone["scheme"]), **wanted}
    for key, value in settings.items():
        alone = changed(alone, key, value)
    scenario = checked(alone, source)
    return single(scenario, entries(scenario)[0])


def _said(settings: Settings) -> str:
    return ", ".join(f"{key} = {value!r}" for key, value in settings.items())


def _few(problems: list[str], most: int = 10) -> Iterator[str]:
    """A mistake in a key is one at many points."""
    yield from problems[:most]
    if len(problems) > most:
        yield f"... and {len(problems) - most} more points are not possible"
