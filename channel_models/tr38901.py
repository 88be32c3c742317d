"""What the path loss models of 3GPP TR 38.901 (V16.1 to V19.2, the same tables) have in common.

Table 7.4.1-1 gives each scenario a loss in line of sight and one without, which is never below the former. How ranges
are kept is said in `pathloss`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from channel_models.constants import SPEED_OF_LIGHT_MPS
from channel_models.geometry import Geometry, Lengths
from channel_models.pathloss import Decibels, Environment, Sight


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Range of a model: least and greatest values, and the nearest distances."""

    carrier_ghz: tuple[float, float] = (0.5, 100.0)
    base_height_m: tuple[float, float] = (0.0, np.inf)
    user_height_m: tuple[float, float] = (0.0, np.inf)
    nearest_2d_m: float = 0.0
    nearest_3d_m: float = 0.0

    def check_carrier(self, carrier_hz: float) -> None:
        """ValueError if the carrier is outside the range."""
        least, greatest = self.carrier_ghz
        if not least <= carrier_hz / 1e9 <= greatest:
            raise ValueError(f"carrier_hz must lie between {least:g}e9 and {greatest:g}e9, got {carrier_hz:g}")

    def kept(self, geometry: Geometry) -> Geometry:
        """The geometry, no nearer than the nearest. ValueError if a height is outside the range."""
        for name in ("base_height_m", "user_height_m"):
            (least, greatest), values = getattr(self, name), np.asarray(getattr(geometry, name))
            if values.size and not (values.min() >= least and values.max() <= greatest):
                worst = values.min() if values.min() < least else values.max()
                raise ValueError(f"{name} must lie between {least:g} and {greatest:g}, got {worst:g}")
        return geometry.no_nearer_than(self.nearest_2d_m, self.nearest_3d_m)


@dataclass(frozen=True, kw_only=True)
class Tr38901(ABC):
    """A scenario of Table 7.4.1-1, at one carrier."""

    carrier_hz: float

    limits: ClassVar[Limits]

    def __post_init__(self) -> None:
        self.limits.check_carrier(self.carrier_hz)

    @property
    @abstractmethod
    def environment(self) -> Environment:
        """See `PathLoss.environment`."""

    def loss_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """See `PathLoss.loss_db`. ValueError if a height is outside the model's range."""
        geometry = self.limits.kept(geometry)
        seen_db = self._seen_db(geometry)
        loss: Decibels = np.where(in_sight, seen_db, np.maximum(seen_db, self._hidden_db(geometry)))
        return loss

    @abstractmethod
    def sight_probability(self, geometry: Geometry) -> NDArray[np.float64]:
        """See `PathLoss.sight_probability`; Table 7.4.2-1."""

    @abstractmethod
    def sigma_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """See `PathLoss.sigma_db`; Table 7.4.1-1."""

    @abstractmethod
    def _seen_db(self, geometry: Geometry) -> Decibels:
        """Loss in line of sight."""

    @abstractmethod
    def _hidden_db(self, geometry: Geometry) -> Decibels:
        """Loss without it, where that is more."""

    def _log_line(self, geometry: Geometry, offset_db: float, slope: float, carrier_slope: float) -> Decibels:
        """offset + slope log10(d3D / 1 m) + carrier slope log10(f / 1 GHz)."""
        carrier_db = carrier_slope * np.log10(self.carrier_hz / 1e9)
        line: Decibels = offset_db + slope * np.log10(geometry.distance_3d_m) + carrier_db
        return line

    def _dual_slope_db(
        self, geometry: Geometry, offset_db: float, slope: float, environment_height_m: Lengths
    ) -> Decibels:
        """A line of `slope` up to the breakpoint, and of 40 dB for each tenfold distance from there on.

        The table's -9 log10(d'BP^2 + (hBS - hUT)^2) of UMa and -9.5 of UMi are (40 - slope) / 2: they join the lines.
        """
        break_2d_m = self._breakpoint_m(geometry, environment_height_m)
        break_3d_m = np.hypot(break_2d_m, np.subtract(geometry.base_height_m, geometry.user_height_m))
        beyond_db = (40.0 - slope) * np.log10(geometry.distance_3d_m / break_3d_m)
        near_db = self._log_line(geometry, offset_db, slope, 20.0)
        return near_db + np.where(geometry.distance_2d_m <= break_2d_m, 0.0, beyond_db)

    def _breakpoint_m(self, geometry: Geometry, environment_height_m: Lengths) -> NDArray[np.float64]:
        """4 (hBS - hE)(hUT - hE) f / c, where the reflection off the ground begins to cancel the direct ray."""
        base_m, user_m = geometry.base_height_m - environment_height_m, geometry.user_height_m - environment_height_m
        return np.asarray(4.0 * base_m * user_m * self.carrier_hz / SPEED_OF_LIGHT_MPS)


def near_certain(distance_m: NDArray[np.float64], near_m: float, decay_m: float) -> NDArray[np.float64]:
    """The form of UMa's and UMi's LOS probability: 1 up to `near_m`, n/d + exp(-d/decay)(1 - n/d) beyond."""
    share = near_m / np.maximum(distance_m, near_m)
    return share + np.exp(-distance_m / decay_m) * (1.0 - share)


def falling(distance_m: NDArray[np.float64], near_m: float, decay_m: float) -> NDArray[np.float64]:
    """1 up to `near_m`, exp(-(d - near) / decay) beyond."""
    return np.exp(-np.maximum(distance_m - near_m, 0.0) / decay_m)
