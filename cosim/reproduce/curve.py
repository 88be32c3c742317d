"""Delays against a quantity, as papers plot them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cosim.allocation.problem import Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Mean delays over drops in seconds (n,) of each scheme, against ``values`` (n,) of a quantity in its ``unit``.

    ``measured`` says which delay it is.
    """

    quantity: str
    unit: str
    values: Array
    delay_s: dict[str, Array]
    measured: str = "delay"


def rows_of(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    """One row a point: measured, quantity, unit, value, scheme and delay_s."""
    return [
        {"measured": curve.measured, "quantity": curve.quantity, "unit": curve.unit, "value": value, "scheme": scheme,
         "delay_s": delay}
        for curve in curves
        for scheme, delays in curve.delay_s.items()
        for value, delay in zip(curve.values.tolist(), delays.tolist(), strict=True)
    ]  # fmt: skip
