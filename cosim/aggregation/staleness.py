"""What a report counts that began from an older model: FedAsync's functions (Xie et al. 2019, section 5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

Decline = Literal["constant", "polynomial", "hinge"]


@dataclass(frozen=True, kw_only=True)
class Discount:
    """1 for what is fresh; with staleness t, 1 always (``constant``), (1 + t)^-a (``polynomial``), or 1 up to t = b and
    1 / (1 + a (t - b)) beyond (``hinge``).

    ValueError unless ``a`` is positive and ``b`` not negative, which ``hinge`` alone has.
    """

    decline: Decline
    a: float
    b: int | None

    def __post_init__(self) -> None:
        if self.decline not in get_args(Decline):
            raise ValueError(f"staleness = {self.decline!r}: not one of {', '.join(get_args(Decline))}")
        if isinstance(self.a, bool) or not isinstance(self.a, int | float) or not 0.0 < self.a < float("inf"):
            raise ValueError(f"a = {self.a!r}: expected a positive number")
        if (self.b is None) == (self.decline == "hinge"):
            raise ValueError(
                f"b = {self.b!r}: the staleness up to which nothing is lost goes with hinge, which needs it"
            )
        if self.b is not None and (type(self.b) is not int or self.b < 0):
            raise ValueError(f"b = {self.b!r}: expected a whole number from 0 on")

    def factor(self, staleness: int) -> Fraction:
        """What a report counts that was begun so many models ago."""
        if self.decline == "constant":
            return Fraction(1)
        if self.b is None:
            return Fraction((1.0 + staleness) ** -self.a)
        return Fraction(1.0 / (1.0 + self.a * max(0, staleness - self.b)))
