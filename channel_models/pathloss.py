"""How much power distance takes: one class a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_REFERENCE_CARRIER_HZ = 2e9


class PathLoss(Protocol):
    """Mean attenuation of a link as a function of its length."""

    def loss_db(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Loss in dB at each distance in metres, any shape."""
        ...


@dataclass(frozen=True, kw_only=True)
class MacroPathLoss:
    """Urban macro cell: 128.1 + 37.6 log10(d / 1 km) + 21 log10(f / 2 GHz) dB.

    Slope and intercept: the baseline of 3GPP TR 25.814 and TR 36.814 (default, unconfirmed), which is TR 36.942 section
    4.5.2 for an antenna 15 m above the roofs up to 0.05 dB; the carrier term is that section's. Distances below
    `minimum_distance_m` (35 m in TR 36.814; default, unconfirmed) have the loss at that distance, for the formula falls
    without bound towards the mast.
    """

    carrier_hz: float
    minimum_distance_m: float = 35.0

    def __post_init__(self) -> None:
        if not self.carrier_hz > 0.0:
            raise ValueError(f"carrier_hz must be positive, got {self.carrier_hz}")
        if not self.minimum_distance_m > 0.0:
            raise ValueError(f"minimum_distance_m must be positive, got {self.minimum_distance_m}")

    def loss_db(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Loss in dB at each distance in metres, any shape. ValueError if one is negative or not a number."""
        if not np.all(np.greater_equal(distance_m, 0.0)):
            raise ValueError(f"distance_m must not be negative, got {np.min(distance_m)}")
        distance_km = np.maximum(distance_m, self.minimum_distance_m) / 1000.0
        loss: NDArray[np.float64] = (
            128.1 + 37.6 * np.log10(distance_km) + 21.0 * np.log10(self.carrier_hz / _REFERENCE_CARRIER_HZ)
        )
        return loss
