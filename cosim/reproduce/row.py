"""A number of a paper beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Known = Literal["stated", "second-hand", "derived", "remembered", "ours"]
"""How sure we are of what is expected: stated in the paper or its authors' code, read in what others say of it, derived
by us from its formulas, remembered without the text at hand, or of no source at all."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Rows of a ``group`` are of one experiment.

    ``paper`` is None where the paper gives no number; ``expected`` is then what we have derived, if we have.
    ``tolerance`` is what ours may differ by, in ``unit``; ``why`` says where it comes from.
    """

    group: str
    name: str
    ours: float
    unit: str
    known: Known
    paper: float | None = None
    expected: float | None = None
    tolerance: float | None = None
    why: str = ""

    @property
    def within(self) -> bool | None:
        """Whether ours is as it should be; None where nobody can say how that is."""
        reference = self.expected if self.paper is None else self.paper
        if reference is None or self.tolerance is None:
            return None
        return abs(self.ours - reference) <= self.tolerance

    def as_json(self) -> dict[str, Any]:
        """As ``cosim reproduce --json`` prints it."""
        return {
            "name": f"{self.group}: {self.name}",
            "paper": self.paper,
            "expected": self.expected,
            "ours": self.ours,
            "unit": self.unit,
            "known": self.known,
            "tolerance": self.tolerance,
            "within": self.within,
            "why": self.why,
        }


def our_rows(numbers: Mapping[str, float], group: str, unit: str) -> list[Row]:
    """Numbers by name that no source has anything to put beside."""
    return [Row(group=group, name=name, ours=number, unit=unit, known="ours") for name, number in numbers.items()]
