"""From a file and ``--set`` overrides to a checked scenario, and back to a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cosim.scenario import yaml_text
from cosim.scenario.checks import check_against_files
from cosim.scenario.entries import entries
from cosim.scenario.errors import ScenarioError, describe, shown
from cosim.scenario.models import Scenario
from cosim.scenario.section import keys_of

_DEEPEST = 32
"""Levels of keys."""


def load_scenario(path: Path, overrides: Sequence[str] = ()) -> Scenario:
    """Read, override and check a scenario file.

    ``overrides`` are ``key.subkey=value``, the value in YAML; entries of a list go by number (``compare.0.rounds=3``).

    Raises:
        ScenarioError: one line for each problem, naming key and value.
    """
    return checked(read_tree(path, overrides), str(path))


def read_tree(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A scenario file as it stands, overridden, its keys and values not yet checked.

    Raises:
        ScenarioError: the file or an override cannot be read.
    """
    try:
        tree = yaml_text.read_file(path)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from error
    if not isinstance(tree, dict):
        raise ScenarioError(f"{path}: a scenario is a mapping of keys to values, such as 'name: quickstart'")
    found: dict[str, Any] = tree
    for override in overrides:
        found = _overridden(found, override)
    return found


def checked(tree: dict[str, Any], source: str) -> Scenario:
    """The scenario that ``tree`` describes; ``source`` begins each line of what is wrong with it.

    Raises:
        ScenarioError: one line for each problem, naming key and value.
    """
    try:
        scenario = Scenario.model_validate(tree)
    except ValidationError as error:
        raise describe(error, source, known_keys(), tree) from error
    try:
        check_against_files(scenario, entries(scenario))
    except ScenarioError as error:
        raise ScenarioError("\n".join(f"{source}: {line}" for line in str(error).split("\n"))) from error
    return scenario


def changed(tree: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """``tree`` with ``value`` at the dotted ``key``, entries of a list by number.

    Raises:
        ScenarioError: there is nothing that ``key`` could be below.
    """
    names = key.split(".")
    if len(names) > _DEEPEST:
        raise ScenarioError(f"a key of {len(names)} levels, which no scenario has")
    found: dict[str, Any] = _with(tree, "", names, value)
    return found


def write_scenario(scenario: Scenario) -> str:
    """YAML that reads back as the same scenario, every default written out."""
    return yaml_text.write_text(scenario.model_dump(mode="json"))


def known_keys() -> list[str]:
    """Every key of a scenario, dotted."""
    return list(keys_of(Scenario))


def _overridden(tree: Any, override: str) -> Any:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ScenarioError(f"--set {override}: expected key=value, such as users.count=20")
    try:
        return changed(tree, key, yaml_text.read_text(text))
    except ScenarioError as error:
        raise ScenarioError(f"--set {override}: {error}") from error


def _with(tree: Any, here: str, path: list[str], value: Any) -> Any:
    """``tree``, which stands at key ``here``, with ``value`` at ``path`` below it; list entries go by number."""
    if not path:
        return value
    name, *rest = path
    below = f"{here}.{name}" if here else name
    if isinstance(tree, str) and f"{here}.name" in known_keys():
        tree = {"name": tree}  # the short form of a part without options
    if isinstance(tree, list):
        if name not in map(str, range(len(tree))):
            raise ScenarioError(f"no {below}: the file lists {len(tree)}, counted from 0")
        index = int(name)
        return [*tree[:index], _with(tree[index], below, rest, value), *tree[index + 1 :]]
    if isinstance(tree, dict):
        missing: Any = [] if rest and rest[0].isdecimal() else {}
        return {**tree, name: _with(tree.get(name, missing), below, rest, value)}
    raise ScenarioError(f"{here} = {shown(tree)} has no keys below it")
