"""The keys of a resolved scenario, flat: ``radio.bandwidth`` and its value, with the unit that belongs to it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from analysis.units import ladder_in, unit_for

_QUANTITY = re.compile(r"([-+]?[0-9][0-9.]*(?:[eE][-+]?[0-9]+)?) ([^\W\d_]+(?:/[^\W\d_]+)?)")


@dataclass(frozen=True)
class Setting:
    """A number, a text, a truth or None; ``unit`` is that of a quantity, such as Hz, else empty."""

    value: float | str | bool | None
    unit: str = ""

    def __str__(self) -> str:
        if not isinstance(self.value, float):
            return str(self.value)
        unit = unit_for([self.value], ladder_in(self.unit))
        return f"{self.value / unit.size:g} {unit.symbol}".rstrip()


def flat(scenario: Mapping[str, Any]) -> dict[str, Setting]:
    """All keys of ``scenario`` with dots between the levels. A list of one thing is that thing, a longer one text."""
    return {".".join(keys): _setting(value) for keys, value in leaves(scenario)}


def leaves(section: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All that is no section itself, below the keys that lead to it; a list of one section is that section."""
    for key, value in section.items():
        inner = value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) else value
        if isinstance(inner, dict):
            yield from (((str(key), *keys), leaf) for keys, leaf in leaves(inner))
        else:
            yield (str(key),), value


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is one, as truth is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _setting(value: Any) -> Setting:
    if isinstance(value, list) and len(value) == 1:
        return _setting(value[0])
    if isinstance(value, bool) or value is None:
        return Setting(value)
    if is_number(value):
        return Setting(float(value))
    if isinstance(value, str):
        quantity = _QUANTITY.fullmatch(value)
        return Setting(float(quantity[1]), quantity[2]) if quantity else Setting(value)
    return Setting(json.dumps(value))
