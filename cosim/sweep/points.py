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
_OF_ALL = ("compare", "figures", "sweep")
"""What has no part in a run of one scheme."""
_WHICH = ("scheme", "scheme.name", "scheme.label")
"""Keys that say which scheme runs, as the ``compare`` list does."""


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


def points(
    tree: dict[str, Any], source: str, settings: Sequence[Settings], folder: Path, *, compare: bool = False
) -> list[Point]:
    """A point for each of ``settings``, which change the scenario ``tree``; results go to ``folder/NAME``.

    To ``compare``, one for each scheme of the file; one that knows nothing of what is varied has one point alone.

    Raises:
        ScenarioError: one line for each mistake, naming the key and the value of its point.
    """
    _require_possible(settings, compare)
    found: dict[str, Point] = {}
    problems = []
    for chosen in settings:
        try:
            runs = _compared(tree, chosen, source) if compare else [(chosen, _scenario(tree, chosen, source))]
        except ScenarioError as error:
            problems += [f"{line}; at the point {_said(chosen)}" for line in str(error).split("\n")]
            continue
        for said, scenario in runs:
            _add(found, said, scenario, folder)
    if problems:
        raise ScenarioError("\n".join(_few(problems)))
    return list(found.values())


def _require_possible(settings: Sequence[Settings], compare: bool) -> None:
    keys = {key for each in settings for key in each}
    if unfit := sorted(key for key in keys if key.partition(".")[0] in ("name", *_OF_ALL)):
        raise ScenarioError(f"--vary {unfit[0]}: not a part of one run, so that it cannot be varied")
    if compare and (doubled := sorted(keys.intersection(_WHICH))):
        raise ScenarioError(f"--vary {doubled[0]}: schemes are those of the compare: list (--compare); leave one out")


def _add(found: dict[str, Point], chosen: Settings, scenario: Scenario, folder: Path) -> None:
    """Put a point to those that are ``found``, by their names in lower case."""
    name = name_of(chosen) or "as-given"
    if (other := found.get(name.lower())) is not None:
        if other.settings == chosen and other.scenario == scenario:
            return  # a scheme that does not know what is varied
        if other.scenario == scenario:
            raise ScenarioError(f"two points are alike: {_said(other.settings)}, and {_said(chosen)}")
        name = f"{name}-{mark(chosen)}"  # 5mW and 5MW are one folder to some file systems
    found[name.lower()] = Point(place=len(found), name=name, settings=chosen, scenario=scenario, folder=folder / name)


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
    return f"{name[:_LONGEST_NAME]}-{mark(settings)}"


def mark(settings: Mapping[str, Any]) -> str:
    """A short word that other settings do not have."""
    return blake2b(_json(settings).encode(), digest_size=4).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _scenario(tree: dict[str, Any], settings: Settings, source: str) -> Scenario:
    """The scenario of one point; of the scheme in the file another scheme has the options that it knows."""
    alone = {key: value for key, value in tree.items() if key not in _OF_ALL}
    if (chosen := settings.get("scheme.name")) is not None and isinstance(alone.get("scheme"), dict):
        wanted = {"name": chosen}
        alone["scheme"] = {**inherited("scheme", wanted, alone["scheme"]), **wanted}
    scenario = _set(alone, settings, source)
    return single(scenario, entries(scenario)[0])


def _compared(tree: dict[str, Any], settings: Settings, source: str) -> list[tuple[Settings, Scenario]]:
    """The scenario of each scheme at one point, and its label with those of the ``settings`` that it heeds."""
    listed = {key: value for key, value in tree.items() if key == "compare" or key not in _OF_ALL}
    scenario = _set(listed, settings, source)
    found = []
    for entry, own in zip(entries(scenario), ({}, *scenario.compare), strict=True):
        heeded = {key: value for key, value in settings.items() if _heeds(entry, own, key)}
        found.append(({"scheme": entry.label, **heeded}, single(scenario, entry)))
    return found


def _heeds(entry: Entry, own: Mapping[str, Any], key: str) -> bool:
    """Whether ``key`` can change a scheme: its options are what it knows of the first one's, and not its ``own``."""
    section, _, below = key.partition(".")
    option = below.partition(".")[0]
    return section != "scheme" or (option in type(entry.options).model_fields and option not in own)


def _set(tree: dict[str, Any], settings: Settings, source: str) -> Scenario:
    for key, value in settings.items():
        tree = changed(tree, key, value)
    return checked(tree, source)


def _said(settings: Settings) -> str:
    return ", ".join(f"{key} = {value!r}" for key, value in settings.items())


def _few(problems: list[str], most: int = 10) -> Iterator[str]:
    """A mistake in a key is one at many points."""
    yield from problems[:most]
    if len(problems) > most:
        yield f"... and {len(problems) - most} more points are not possible"
