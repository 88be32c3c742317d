"""Units a reader likes: values in SI base units shown in the largest unit that keeps the biggest value above one."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

Ladder = tuple[tuple[str, float], ...]
"""Units of one quantity, smallest first, each with its size in the base unit."""

_PREFIXES = {"p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
"""Of SI, by size."""

_PREFIXED = ("Hz", "bit/s", "FLOP/s", "W", "s", "m", "B", "J")
"""Units of settings that are written with a prefix, such as MHz."""


def prefixed(symbol: str, prefixes: Iterable[str] = _PREFIXES) -> Ladder:
    """The unit `symbol` with each of these prefixes, which are by size."""
    return tuple((f"{prefix}{symbol}", _PREFIXES[prefix]) for prefix in prefixes)


PLAIN: Ladder = (("", 1.0),)
PERCENT: Ladder = (("%", 1.0),)
TIME: Ladder = (("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("h", 3600.0), ("d", 86400.0))
TRAFFIC = prefixed("B", ("", "k", "M", "G", "T"))
MEMORY: Ladder = (("B", 1.0), ("KiB", 2.0**10), ("MiB", 2.0**20), ("GiB", 2.0**30), ("TiB", 2.0**40))
ENERGY = prefixed("J", ("m", "", "k", "M"))

_BY_SUFFIX = {"s": TIME, "bytes": TRAFFIC, "j": ENERGY}


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit's symbol and its size in the base unit."""

    symbol: str
    size: float

    def named(self, quantity: str) -> str:
        """`quantity` with the unit in brackets, as axes and tables show it."""
        return f"{quantity} ({self.symbol})" if self.symbol else quantity

    def written(self, value: float) -> str:
        """`value`, which is in the base unit, in this one, to three digits and with the symbol."""
        return f"{three_digits(value / self.size)} {self.symbol}".rstrip()


def unit_for(values: Iterable[float], ladder: Ladder) -> Unit:
    """The largest unit in which the largest of the finite `values` is at least one; base unit if all are zero."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    fitting = [(symbol, size) for symbol, size in ladder if size <= largest]
    base = next((symbol, size) for symbol, size in ladder if size == 1.0)
    symbol, size = fitting[-1] if fitting else ladder[0] if largest > 0 else base
    return Unit(symbol=symbol, size=size)


def written(value: float, ladder: Ladder) -> str:
    """`value`, which is in the base unit, to three digits in the unit that suits it alone, with the symbol."""
    return unit_for([value], ladder).written(value)


def ladder_of(column: str) -> Ladder:
    """Units of a result column, by the unit its name ends in (`sim_time_s`, `uplink_bytes`, `user_energy_j`)."""
    _, _, suffix = column.rpartition("_")
    return _BY_SUFFIX.get(suffix, PLAIN)


def ladder_in(symbol: str) -> Ladder:
    """Units of a setting that is given in `symbol`: MHz for Hz; dB, the empty one and others take no prefix."""
    return prefixed(symbol) if symbol in _PREFIXED else ((symbol, 1.0),)


def quantity_of(column: str) -> str:
    """What a result column measures, in words and without its unit."""
    stem, _, suffix = column.rpartition("_")
    words = (stem if stem and suffix in _BY_SUFFIX else column).replace("_", " ")
    return words.replace("sim time", "simulated time").capitalize()


def three_digits(value: float, *, signed: bool = False) -> str:
    """`value` to three significant digits, or as it is if whole, without powers of ten from 100 up; a dash for NaN."""
    if math.isnan(value):
        return "–"
    sign = "+" if signed else ""
    whole = value.is_integer() or abs(value) >= 99.95
    return f"{value:{sign},.0f}" if whole else f"{value:{sign}#.3g}"
