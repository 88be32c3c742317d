"""Quantities with units in scenario files: ``20 MHz``, ``23 dBm``, ``15 GFLOP/s``, ``5 ms``.

In the file a quantity is text with a unit; in the program it is a float in the one unit that its type names. A bare
number where a unit is needed is an error. Pint knows the units; two kinds are read here: decibels, being no linear
units, and a type's own unit with a metric prefix, because most files need no other and loading Pint takes longer than
all the rest of a check.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from channel_models.decibels import dbm_to_w

if TYPE_CHECKING:
    import pint

_NUMBER = r"[-+]?(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+"
_UNIT = r"[^\W\d_]+(?:\s*/\s*[^\W\d_]+)?"  # a word, or one a second: pint would also take, and work out, 9**9**9
_NUMBER_AND_UNIT = re.compile(rf"\s*({_NUMBER})\s*({_UNIT})\s*")
_SI = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9}
_PREFIXES = {**_SI, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry:  # type: ignore[type-arg]
    import pint  # noqa: PLC0415 - slow, and seldom needed

    registry: pint.UnitRegistry = pint.UnitRegistry(on_redefinition="ignore")  # type: ignore[type-arg]
    registry.define("FLOP = [operation]")  # were they without dimension, as pint has bits,
    registry.define("bit = [information]")  # then bit/s and FLOP/s would be hertz
    return registry


@dataclass(frozen=True)
class Unit:
    """The unit a quantity is kept in, and how it is called and written in messages."""

    symbol: str
    what: str
    example: str

    def read(self, text: Any) -> float:
        """The value of ``text`` in this unit.

        Raises:
            ValueError: no unit, an unknown or wrong one, or a number that is not finite.
        """
        match = _NUMBER_AND_UNIT.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"a {self.what} needs a number and a unit, such as '{self.example}'")
        number, unit = float(match.group(1)), match.group(2)
        value = self._convert(number, unit)
        if not math.isfinite(value):
            raise ValueError(f"a {self.what} must be finite, such as '{self.example}'")
        return value

    def write(self, value: float) -> str:
        """Text that reads back as exactly ``value``."""
        return f"{value!r} {self.symbol}"

    def _convert(self, number: float, unit: str) -> float:
        if unit == self.symbol:
            return number
        prefix = unit.removesuffix(self.symbol)
        if prefix != unit and prefix in _PREFIXES and self.symbol != "dB":
            return number * _PREFIXES[prefix]
        if unit == "dBm" and self.symbol == "W":
            with np.errstate(over="ignore"):  # infinite watts are refused by name
                return float(dbm_to_w(number))
        import pint  # noqa: PLC0415 - as above

        try:
            return float(_registry().Quantity(number, unit).to(self.symbol).magnitude)
        except (pint.PintError, ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{unit!r} is not a unit of {self.what}; expected such as '{self.example}'") from error


class Quantity:
    """Marks a float field as a quantity in ``unit``: text with a unit in the file, both ways."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read text before the checks of the number, write text into JSON and YAML."""
        return core_schema.no_info_before_validator_function(
            self.unit.read,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(self.unit.write, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Text, by example."""
        return {"type": "string", "examples": [self.unit.example]}


HERTZ = Unit("Hz", "frequency", "20 MHz")
WATTS = Unit("W", "power", "23 dBm")
DECIBELS = Unit("dB", "level", "8 dB")
METRES = Unit("m", "length", "250 m")
METRES_PER_SECOND = Unit("m/s", "speed", "3 km/h")
SECONDS = Unit("s", "time", "5 ms")
BYTES = Unit("B", "memory size", "4 GB")
BITS = Unit("bit", "quantity of data", "28.1 kbit")

BY_SUFFIX = {
    "_hz": HERTZ,
    "_w": WATTS,
    "_db": DECIBELS,
    "_m": METRES,
    "_mps": METRES_PER_SECOND,
    "_s": SECONDS,
}
"""The unit of a parameter by the end of its name."""

Hertz = Annotated[float, Field(gt=0), Quantity(HERTZ)]
Watts = Annotated[float, Field(ge=0), Quantity(WATTS)]
Decibels = Annotated[float, Field(ge=0), Quantity(DECIBELS)]
Metres = Annotated[float, Field(gt=0), Quantity(METRES)]
Distance = Annotated[float, Field(ge=0), Quantity(METRES)]
Seconds = Annotated[float, Field(ge=0), Quantity(SECONDS)]
Duration = Annotated[float, Field(gt=0), Quantity(SECONDS)]
FlopPerSecond = Annotated[float, Field(gt=0), Quantity(Unit("FLOP/s", "computing speed", "15 GFLOP/s"))]
Bits = Annotated[float, Field(ge=0), Quantity(BITS)]
BitsPerSecond = Annotated[float, Field(gt=0), Quantity(Unit("bit/s", "data rate", "1 Gbit/s"))]
Bytes = Annotated[float, Field(gt=0), Quantity(BYTES)]
