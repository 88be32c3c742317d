"""Outdoor path loss of 3GPP TR 38.901 (V16.1 to V19.2): urban macro, urban micro in street canyons, rural macro."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from channel_models.constants import SPEED_OF_LIGHT_MPS
from channel_models.geometry import Geometry
from channel_models.pathloss import Decibels, Environment, Sight
from channel_models.tr38901 import Limits, Tr38901, falling, near_certain


@dataclass(frozen=True, kw_only=True)
class UrbanMacro(Tr38901):
    """UMa of TR 38.901: antennas above the roofs, 10 m to 5 km, 0.5 to 100 GHz, users 1.5 to 22.5 m high.

    Users above 13 m see reflections off other heights than the ground's; which, is drawn by `Geometry.chance`.
    Decorrelation of the line of sight: section 7.6.3.3 (50 m; default, unconfirmed).
    """

    limits: ClassVar[Limits] = Limits(user_height_m=(1.5, 22.5), nearest_2d_m=10.0)
    environment = Environment(base_height_m=25.0, decorrelation_m=(37.0, 50.0, 7.0), indoor_depth_m=25.0)

    def sight_probability(self, geometry: Geometry) -> NDArray[np.float64]:
        """See `PathLoss.sight_probability`; Table 7.4.2-1."""
        distance_m = geometry.distance_2d_m
        probability = near_certain(distance_m, 18.0, 63.0) * (1.0 + _roof_clearance(geometry))
        return np.where(distance_m <= 18.0, 1.0, np.minimum(probability, 1.0))

    def sigma_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """See `PathLoss.sigma_db`; Table 7.4.1-1."""
        return np.where(in_sight, 4.0, 6.0)

    def _seen_db(self, geometry: Geometry) -> Decibels:
        return self._dual_slope_db(geometry, 28.0, 22.0, _environment_height_m(geometry))

    def _hidden_db(self, geometry: Geometry) -> Decibels:
        loss: Decibels = self._log_line(geometry, 13.54, 39.08, 20.0) - 0.6 * (geometry.user_height_m - 1.5)
        return loss


@dataclass(frozen=True, kw_only=True)
class UrbanMicro(Tr38901):
    """UMi street canyon of TR 38.901: antennas below the roofs, 10 m to 5 km, 0.5 to 100 GHz, users 1.5 to 22.5 m high.

    Decorrelation of the line of sight: section 7.6.3.3 (50 m; default, unconfirmed).
    """

    limits: ClassVar[Limits] = Limits(user_height_m=(1.5, 22.5), nearest_2d_m=10.0)
    environment = Environment(base_height_m=10.0, decorrelation_m=(10.0, 13.0, 7.0), indoor_depth_m=25.0)

    def sight_probability(self, geometry: Geometry) -> NDArray[np.float64]:
        """See `PathLoss.sight_probability`; Table 7.4.2-1."""
        return near_certain(geometry.distance_2d_m, 18.0, 36.0)

    def sigma_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """See `PathLoss.sigma_db`; Table 7.4.1-1."""
        return np.where(in_sight, 4.0, 7.82)

    def _seen_db(self, geometry: Geometry) -> Decibels:
        return self._dual_slope_db(geometry, 32.4, 21.0, environment_height_m=1.0)

    def _hidden_db(self, geometry: Geometry) -> Decibels:
        loss: Decibels = self._log_line(geometry, 22.4, 35.3, 21.3) - 0.3 * (geometry.user_height_m - 1.5)
        return loss


@dataclass(frozen=True, kw_only=True)
class RuralMacro(Tr38901):
    """RMa of TR 38.901: 10 m to 10 km in line of sight, 5 km without, 0.5 to 30 GHz, users 1 to 10 m high.

    Antennas are 10 to 150 m high, buildings 5 to 50 m, streets 5 to 50 m wide. Decorrelation of the line of sight:
    section 7.6.3.3 (60 m; default, unconfirmed).
    """

    building_height_m: float = 5.0
    street_width_m: float = 20.0

    limits: ClassVar[Limits] = Limits(
        carrier_ghz=(0.5, 30.0), base_height_m=(10.0, 150.0), user_height_m=(1.0, 10.0), nearest_2d_m=10.0
    )
    environment = Environment(
        base_height_m=35.0,
        decorrelation_m=(37.0, 120.0, 120.0),
        sight_decorrelation_m=60.0,
        indoor_depth_m=10.0,
        indoor_sigma_db=8.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("building_height_m", "street_width_m"):
            if not 5.0 <= getattr(self, name) <= 50.0:
                raise ValueError(f"{name} must lie between 5 and 50, got {getattr(self, name)}")

    def sight_probability(self, geometry: Geometry) -> NDArray[np.float64]:
        """See `PathLoss.sight_probability`; Table 7.4.2-1."""
        return falling(geometry.distance_2d_m, 10.0, 1000.0)

    def sigma_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """See `PathLoss.sigma_db`; Table 7.4.1-1, where beyond the breakpoint there is more of it in sight."""
        in_sight_db = np.where(geometry.distance_2d_m <= self._flat_breakpoint_m(geometry), 4.0, 6.0)
        return np.where(in_sight, in_sight_db, 8.0)

    def _seen_db(self, geometry: Geometry) -> Decibels:
        distance_m, break_m = geometry.distance_3d_m, self._flat_breakpoint_m(geometry)
        beyond_db = self._near_db(break_m) + 40.0 * np.log10(distance_m / break_m)
        return np.where(geometry.distance_2d_m <= break_m, self._near_db(distance_m), beyond_db)

    def _near_db(self, distance_m: NDArray[np.float64]) -> Decibels:
        height = self.building_height_m
        tall, log_distance = height**1.72, np.log10(distance_m)
        loss: Decibels = (
            20.0 * np.log10(40.0 * np.pi * distance_m * self.carrier_hz / 1e9 / 3.0)
            + min(0.03 * tall, 10.0) * log_distance
            - min(0.044 * tall, 14.77)
            + 0.002 * np.log10(height) * distance_m
        )
        return loss

    def _hidden_db(self, geometry: Geometry) -> Decibels:
        base_m, height = geometry.base_height_m, self.building_height_m
        slope = 43.42 - 3.1 * np.log10(base_m)
        loss: Decibels = (
            161.04
            - 7.1 * np.log10(self.street_width_m)
            + 7.5 * np.log10(height)
            - (24.37 - 3.7 * np.square(height / base_m)) * np.log10(base_m)
            + slope * (np.log10(geometry.distance_3d_m) - 3.0)
            + 20.0 * np.log10(self.carrier_hz / 1e9)
            - (3.2 * np.square(np.log10(11.75 * geometry.user_height_m)) - 4.97)
        )
        return loss

    def _flat_breakpoint_m(self, geometry: Geometry) -> NDArray[np.float64]:
        heights_m2 = np.multiply(geometry.base_height_m, geometry.user_height_m)
        return np.asarray(2.0 * np.pi * heights_m2 * self.carrier_hz / SPEED_OF_LIGHT_MPS)


def _roof_clearance(geometry: Geometry) -> NDArray[np.float64]:
    """C' (5/4) (d / 100)^3 exp(-d / 150): how much more users above 13 m see (Table 7.4.2-1, note to UMa)."""
    above_m, distance_m = np.maximum(np.subtract(geometry.user_height_m, 13.0), 0.0), geometry.distance_2d_m
    clearance = (above_m / 10.0) ** 1.5 * 1.25 * (distance_m / 100.0) ** 3 * np.exp(-distance_m / 150.0)
    return np.where(distance_m > 18.0, clearance, 0.0)


def _environment_height_m(geometry: Geometry) -> NDArray[np.float64]:
    """Effective height of what reflects: 1 m with probability 1 / (1 + C), else uniform on 12, 15, ..., hUT - 1.5."""
    ground = 1.0 / (1.0 + _roof_clearance(geometry))
    levels = np.maximum(np.floor((np.subtract(geometry.user_height_m, 13.5)) / 3.0) + 1.0, 1.0)
    among = np.clip((geometry.chance - ground) / np.maximum(1.0 - ground, np.finfo(float).tiny), 0.0, None)
    elevated_m = 12.0 + 3.0 * np.minimum(np.floor(among * levels), levels - 1.0)
    return np.where(geometry.chance < ground, 1.0, elevated_m)
