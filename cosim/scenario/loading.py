"""From a file and ``--set`` overrides to a checked scenario, and back to a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cosim.scenario.checks import check_against_files
from cosim.scenario.entries import entries
from cosim.scenario.errors import ScenarioError, describe
from cosim.scenario.models import Scenario
from cosim.scenario.section import keys_of

_WHOLE_NUMBER = "tag:yaml.org,2002:int"


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # libyaml's is quicker, if there
    """Writes what ``_Loader`` reads back as it was."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        if key_node.tag == _WHOLE_NUMBER:  # such as a rank: a word, as it has to be in JSON
            key_node.tag = yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise ScenarioError(f"line {key_node.start_mark.line + 1}: {key!r} cannot be a key, only a word can")
        if key in seen:
            raise ScenarioError(f"line {key_node.start_mark.line + 1}: {key} is given twice")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
for _side in (_Loader, _Dumper):  # YAML 1.2 reads 2e-3 as a number, PyYAML's 1.1 as text
    _side.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
    )

_Unreadable = (OSError, yaml.YAMLError, ValueError)  # ValueError: not UTF-8, a key twice, a date such as 2020-13-45


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
        tree = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except _Unreadable as error:
        raise ScenarioError(f"{path}: {_one_line(error)}") from error
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
    found: dict[str, Any] = _with(tree, "", key.split("."), value)
    return found


def read_value(text: str) -> Any:
    """``text`` as a value of a scenario file.

    Raises:
        ScenarioError: it is no YAML.
    """
    try:
        return yaml.load(text, _Loader)
    except _Unreadable as error:
        raise ScenarioError(_one_line(error)) from error


def write_scenario(scenario: Scenario) -> str:
    """YAML that reads back as the same scenario, every default written out."""
    return yaml.dump(scenario.model_dump(mode="json"), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def known_keys() -> list[str]:
    """Every key of a scenario, dotted."""
    return list(keys_of(Scenario))


def _overridden(tree: Any, override: str) -> Any:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ScenarioError(f"--set {override}: expected key=value, such as users.count=20")
    try:
        return changed(tree, key, read_value(text))
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
    raise ScenarioError(f"{here} = {tree!r} has no keys below it")


def _one_line(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return " ".join(str(error).split())
