"""How much memory nodes have: a limit that a run must keep to, or none."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from cosim.scenario.quantities import Bytes


def _one_or_several(given: Any) -> Any:
    return given if isinstance(given, list | tuple) else (given,)


Memory = Annotated[
    tuple[Bytes, ...], BeforeValidator(_one_or_several, json_schema_input_type=Bytes | tuple[Bytes, ...])
]
"""Limits dealt to the nodes of a role in turn; a single one may stand alone, and none is no limit."""
