"""Which share of a vector is sent: an exact fraction, so that its product with a length has no rounding."""

from __future__ import annotations

from fractions import Fraction
from math import floor


def read_density(name: str, given: float | str | Fraction) -> Fraction:
    """The share that ``given`` says, such as 0.1 or "1/16".

    Raises:
        ValueError: no number, or not above 0 and up to 1; ``name`` is the compressor's, for the message.
    """
    try:
        density = Fraction(str(given))
    except (ValueError, ZeroDivisionError):
        density = Fraction(0)
    if isinstance(given, bool) or not 0 < density <= 1:
        raise ValueError(f"{name}: density = {given!r}: expected a share above 0 and up to 1, such as 1/16")
    return density


def kept(density: Fraction, numbers: int) -> int:
    """How many of ``numbers`` that share is, rounded down."""
    return floor(density * numbers)
