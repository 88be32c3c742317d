"""The JSON Schema of scenario files, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from cosim import registry
from cosim.scenario.models import Scenario
from cosim.scenario.parts import Part


def json_schema() -> dict[str, Any]:
    """All keys with types, defaults and descriptions; the schemes' options by the schemes' names."""
    schema = Scenario.model_json_schema(mode="validation")
    schemes = [_scheme_schema(name) for name in registry.FAMILIES["schemes"]]
    definitions = schema.setdefault("$defs", {})
    for name, options in schemes:
        definitions.update(options.pop("$defs", {}))
        definitions[name] = options
    for part in Part.__subclasses__():
        definitions[part.__name__] = {"anyOf": [{"type": "string"}, definitions[part.__name__]]}  # a name alone will do
    either = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name, _ in schemes] + [_own_scheme()]}
    schema["properties"]["scheme"] = either
    schema["properties"]["compare"] = {"type": "array", "items": either, "default": []}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _scheme_schema(name: str) -> tuple[str, dict[str, Any]]:
    options = registry.find("schemes", name).Options.model_json_schema(mode="validation")
    options["properties"]["name"] = {"const": name, "description": registry.summary("schemes", name)}
    return f"scheme_{name}", options


def _own_scheme() -> dict[str, Any]:
    name = {"type": "string", "pattern": ":", "description": "package.module:Name of a scheme of one's own"}
    return {"type": "object", "properties": {"name": name}, "required": ["name"]}
