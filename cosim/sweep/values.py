"""The values that a key takes in a sweep: ``5MHz,10MHz``, ``10:100:10``, ``lin(1,20,5) MHz``, ``log(1MHz,50MHz)``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

from cosim.scenario.errors import ScenarioError
from cosim.scenario.yaml_text import read_text

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_UNIT = r"[^\W\d_]+(?:/[^\W\d_]+)?"
_END = rf"\s*({_NUMBER})\s*({_UNIT})?\s*"
_RANGE = re.compile(rf"{_END}:{_END}(?::{_END})?")
_SCALE = re.compile(rf"(lin|log)\({_END},{_END}(?:,\s*(\d+)\s*)?\)\s*({_UNIT})?\s*")
_DIGITS = 12
"""Of values at even steps: few enough to leave out what rounding adds."""
_DIGITS_BETWEEN = 6
"""Of values in logarithmic steps or drawn at random, which nobody would write out: the folders' names have them."""
_MOST = 100_000
_LARGEST = 1e100

_Number = TypeVar("_Number", float, Decimal)
"""Values of one range: more are a slip of the pen."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """These values, in this order."""

    values: tuple[Any, ...]

    def at(self, share: float) -> Any:
        """The value at a ``share`` of the way, from 0 to 1."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]


@dataclass(frozen=True, kw_only=True)
class Continuous:
    """All numbers between two, evenly or evenly in their logarithms, of which a sample takes some."""

    low: float
    high: float
    logarithmic: bool
    unit: str

    def at(self, share: float) -> Any:
        """The value at a ``share`` of the way, from 0 to 1."""
        if self.logarithmic:
            return _said(self.low * (self.high / self.low) ** share, self.unit, _DIGITS_BETWEEN)
        return _said(self.low + share * (self.high - self.low), self.unit, _DIGITS_BETWEEN)


Values = Listed | Continuous


def parse_values(given: str | Sequence[Any]) -> Values:
    """A list; ``a,b,c``; ``first:end:step`` without its end, as in Python; ``lin(a,b,n)`` or ``log(a,b,n)`` with both.

    ``lin(a,b)`` and ``log(a,b)`` are all numbers between them. A unit stands with each number, or once at the end.

    Raises:
        ValueError: something else, no value at all, or one twice.
    """
    if isinstance(given, str):
        try:
            if match := _SCALE.fullmatch(given.strip()):
                return _scale(match)
            if match := _RANGE.fullmatch(given):
                return _distinct(_range(match))
            return _distinct(read_text(f"[{given}]"))
        except ArithmeticError as error:
            raise ValueError("numbers beyond all bounds") from error
        except ScenarioError as error:
            raise ValueError("expected values such as 5MHz,10MHz or 10:100:10 or log(1,100,5)") from error
    return _distinct(given)


def _distinct(values: Sequence[Any]) -> Listed:
    if not values:
        raise ValueError("no value; of a range first:end:step the end is left out")
    seen: set[str | float] = set()
    for value in values:
        known = value if isinstance(value, str | int | float) else repr(value)
        if known in seen:
            raise ValueError(f"{value!r} stands twice")
        seen.add(known)
    return Listed(values=tuple(values))


def _range(match: re.Match[str]) -> list[Any]:
    unit = _one_unit(match[2], match[4], match[6])
    first, end, step = (_bounded(Decimal(text)) for text in (match[1], match[3], match[5] or "1"))
    if not step:
        raise ValueError("the step of a range is 0")
    steps = (end - first) / step
    if steps > _MOST:
        raise ValueError(f"a range of {steps:g} values; at most {_MOST} are possible")
    count = math.ceil(steps)
    return [_said(float(first + place * step), unit) for place in range(max(count, 0))]


def _scale(match: re.Match[str]) -> Values:
    kind, low, high, count = match[1], _bounded(float(match[2])), _bounded(float(match[4])), match[6]
    unit = _one_unit(match[3], match[5], match[7])
    if kind == "log" and not (low > 0.0 and high > 0.0):
        raise ValueError("both ends of a logarithmic range must be above 0")
    if count is None and low != high:
        return Continuous(low=low, high=high, logarithmic=kind == "log", unit=unit)
    count = count or 1
    if not 1 <= int(count) <= _MOST:
        raise ValueError(f"{count} values; from 1 to {_MOST} are possible")
    if kind == "lin":
        return _distinct([_said(float(value), unit) for value in np.linspace(low, high, int(count))])
    between = np.geomspace(low, high, int(count))[1:-1]
    ends = [_said(end, unit) for end in (low, high)[: int(count)]]
    return _distinct([*ends[:1], *(_said(float(value), unit, _DIGITS_BETWEEN) for value in between), *ends[1:]])


def _bounded(number: _Number) -> _Number:
    if abs(number) > _LARGEST:
        raise ValueError(f"{number:g} is more than {_LARGEST:g}")
    return number


def _one_unit(*units: str | None) -> str:
    named = set(filter(None, units))
    if len(named) > 1:
        raise ValueError(f"all of a range must have one unit, not {' and '.join(sorted(named))}")
    return named.pop() if named else ""


def _said(value: float, unit: str, digits: int = _DIGITS) -> Any:
    """As a scenario would have it: ``5 MHz``, a whole number, or a number."""
    text = f"{value:.{digits}g}"
    if unit:
        return f"{text} {unit}"
    rounded = float(text)
    return int(rounded) if rounded.is_integer() else rounded
