"""The JSON Schema, judged by a small validator of the keywords it uses: editors have larger ones."""

import json
import operator
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cosim import registry
from cosim.scenario import load_scenario, write_scenario
from cosim.scenario.loading import known_keys
from cosim.scenario.schema import json_schema

SCHEMA = json_schema()
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
NUMBER_CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": operator.ge,
    "exclusiveMinimum": operator.gt,
    "maximum": operator.le,
    "exclusiveMaximum": operator.lt,
}
CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "$ref": lambda value, target: valid(value, definition(target)),
    "anyOf": lambda value, options: any(valid(value, option) for option in options),
    "type": lambda value, name: isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool)),
    "const": operator.eq,
    "enum": lambda value, choices: value in choices,
    "pattern": lambda value, pattern: not isinstance(value, str) or re.search(pattern, value) is not None,
    "minItems": lambda value, count: not isinstance(value, list) or len(value) >= count,
    "maxItems": lambda value, count: not isinstance(value, list) or len(value) <= count,
    "required": lambda value, names: not isinstance(value, dict) or set(names) <= set(value),
    **{
        name: lambda value, bound, test=test: not isinstance(value, (int, float)) or test(value, bound)
        for name, test in NUMBER_CHECKS.items()
    },
}
BELOW = {"properties", "additionalProperties", "items", "prefixItems"}
ANNOTATIONS = {"title", "description", "default", "examples", "$defs", "$schema"}


def valid(value: Any, schema: Any) -> bool:
    """Whether ``value`` satisfies ``schema``."""
    if isinstance(schema, bool):
        return schema
    assert set(schema) <= {*CHECKS, *BELOW, *ANNOTATIONS}, "a keyword that this validator does not know"
    return all(CHECKS[keyword](value, schema[keyword]) for keyword in schema if keyword in CHECKS) and all(
        valid(below, its_schema) for below, its_schema in members(value, schema)
    )


def members(value: Any, schema: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """What is inside ``value``, each with the schema for it."""
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        yield from ((below, known.get(name, others)) for name, below in value.items())
    if isinstance(value, list):
        places, others = schema.get("prefixItems", []), schema.get("items", True)
        yield from ((below, places[i] if i < len(places) else others) for i, below in enumerate(value))


def definition(target: str) -> Any:
    """What a ``$ref`` leads to."""
    return SCHEMA["$defs"][target.removeprefix("#/$defs/")]


@pytest.fixture
def tree(quickstart: Path) -> dict[str, Any]:
    """The shipped scenario as an editor reads it: YAML 1.2 takes 2e-3 for a number."""
    read: dict[str, Any] = yaml.safe_load(quickstart.read_text().replace("2e-3", "0.002"))
    return read


def test_it_is_json_and_names_its_dialect() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_shipped_scenario_is_valid_as_written_and_with_every_default_written_out(
    tree: dict[str, Any], quickstart: Path
) -> None:
    assert valid(tree, SCHEMA)
    assert valid(yaml.safe_load(write_scenario(load_scenario(quickstart))), SCHEMA)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("user", {"count": 2}),
        ("users", {"cuont": 2}),
        ("users", {"count": 0}),
        ("cloud", {"compute": {"spread": 0.5}}),
        ("radio", {"bandwidth": 20}),
        ("seed", -1),
        ("seed", "0"),
        ("name", "../escape"),
        ("scheme", {"name": "splitfad"}),
        ("scheme", {"name": "splitfed", "rouns": 3}),
        ("scheme", {"name": "federated", "cut": 3}),
        ("compare", [{"name": "federated", "rounds": 0}]),
        ("data", {"partition": 3}),
        ("execution", "lazy"),
    ],
)
def test_what_the_program_refuses_the_schema_refuses(tree: dict[str, Any], key: str, value: Any) -> None:
    assert not valid({**tree, key: value}, SCHEMA)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scheme", {"name": "my.package:Scheme", "anything": 3}),
        ("scheme", {"name": "splitfed", "cut": [1, 3]}),
        ("data", {"partition": {"name": "dirichlet", "alpha": 0.1}}),
        ("users", {"compute": {"speed": "1 GFLOP/s", "frequency": "2 GHz", "kappa": 1e-28}}),
        ("data", {"validation": "python-docs"}),
        ("users", {"compute": {"speed": None, "profile": "phone.csv", "factor": 2}}),
        ("users", {"compute": {"capacities": {"file": "phones.csv.gz", "column": "ms", "where": {"tier": "low"}}}}),
    ],
)
def test_what_the_program_accepts_the_schema_accepts(tree: dict[str, Any], key: str, value: Any) -> None:
    assert valid({**tree, key: value}, SCHEMA)


def test_every_key_and_every_scheme_is_in_it() -> None:
    def keys(schema: Any, prefix: str = "") -> set[str]:
        schema = definition(schema["$ref"]) if "$ref" in schema else schema
        if prefix in ("scheme.", "compare."):
            return set()
        found = set().union(*(keys(option, prefix) for option in schema.get("anyOf", [])))
        for name, below in schema.get("properties", {}).items():
            found |= {prefix + name} | keys(below, f"{prefix}{name}.")
        return found

    assert keys(SCHEMA) == set(known_keys())
    assert {f"scheme_{name}" for name in registry.FAMILIES["schemes"]} <= set(SCHEMA["$defs"])
