"""Scenarios that are wrong, made from the JSON Schema: at every key, whatever it does not allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cosim.scenario.schema import json_schema
from tests.cosim.scenario.test_schema import valid

Tree = dict[str, Any]
Schema = dict[str, Any]

SCHEMA = json_schema()
DEFINITIONS: dict[str, Schema] = SCHEMA["$defs"]
ANY_VALUES: tuple[Any, ...] = (
    None, True, "", "nonsense", -1, 0, 2.5, 1e308, float("nan"), float("inf"), 10**30, [], [[]], ["x"], {}, {"zzz": 1},
)  # fmt: skip
WRONG_QUANTITIES = ("", "20", "nan {unit}", "1e400 {unit}", "20 parsnips", "5 mol", "{unit} 20", "9**9**9 {unit}")
SECTIONS_BESIDE: dict[str, Tree] = {
    "radio.uplink_trace": {"file": "trace.up"},
    "radio.downlink_trace": {"file": "trace.down"},
    "users.compute.capacities": {"file": "phones.csv", "column": "ms"},
    "edges.compute.capacities": {"file": "phones.csv", "column": "ms"},
}
"""What must stand beside a wrong key, so that it is the only one."""
SCHEMES_BESIDE: dict[str, Tree] = {"splitllm": {"cut": [1, 3]}, "splitft": {"cut": [1, 2, 3]}}


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A scenario, the key in it that is wrong, and its value."""

    key: str
    value: Any
    tree: Tree
    misspelt: bool = False

    def __str__(self) -> str:
        return f"{self.key} = {self.value!r}"[:80]


def smallest(scheme: str = "federated") -> Tree:
    """A scenario with nothing in it that it could do without."""
    return {"name": "small", "scheme": {"name": scheme, **SCHEMES_BESIDE.get(scheme, {})}}


def wrong_scenarios() -> Iterator[Wrong]:
    """Every key of a scenario and of every scheme, with a value of the wrong type, unit, sign, range, or spelling."""
    top = {name: below for name, below in SCHEMA["properties"].items() if name not in ("scheme", "compare")}
    yield from _below(smallest(), "", {"properties": top, "additionalProperties": False})
    for name, below in DEFINITIONS.items():
        if name.startswith("scheme_"):
            scheme = name.removeprefix("scheme_")
            options = {key: schema for key, schema in below["properties"].items() if key != "name"}
            yield from _below(smallest(scheme), "scheme", {"properties": options, "additionalProperties": False})


def _below(tree: Tree, key: str, schema: Schema) -> Iterator[Wrong]:
    """What can be wrong at the keys of a section."""
    for name, given in schema["properties"].items():
        at = f"{key}.{name}" if key else name
        yield from _at(tree, at, given)
        if schema.get("additionalProperties") is False:
            misspelt = at[:-1] + at[-1] * 2
            yield Wrong(key=misspelt, value=1, tree=with_value(tree, misspelt, 1), misspelt=True)


def _at(tree: Tree, key: str, schema: Schema) -> Iterator[Wrong]:
    """What can be wrong with the value of a key."""
    values = [value for value in ANY_VALUES if not valid(value, schema)]
    for value in (*values, *_wrong_quantities(schema)):
        yield Wrong(key=key, value=value, tree=with_value(tree, key, value))
    beside = with_value(tree, key, SECTIONS_BESIDE[key]) if key in SECTIONS_BESIDE else tree
    for option in _options(schema):
        if "properties" in option:
            yield from _below(beside, key, option)


def _wrong_quantities(schema: Schema) -> list[str]:
    found = [option["examples"][0].split()[1] for option in _options(schema) if "examples" in option]
    return [text.format(unit=unit) for unit in found[:1] for text in WRONG_QUANTITIES]


def _options(schema: Schema) -> list[Schema]:
    """The schemas of which a value has to satisfy one, references followed."""
    if "$ref" in schema:
        return _options(DEFINITIONS[schema["$ref"].removeprefix("#/$defs/")])
    if "anyOf" in schema:
        return [below for option in schema["anyOf"] for below in _options(option)]
    return [schema]


def with_value(tree: Tree, key: str, value: Any) -> Tree:
    """``tree`` with ``value`` at the dotted ``key``."""
    name, _, rest = key.partition(".")
    return {**tree, name: with_value(tree.get(name) or {}, rest, value) if rest else value}
