"""How much power distance takes, in models that know no line of sight; those of TR 38.901 stand in files of their own.

All models treat what lies outside their range alike: a carrier or a height is an error, links nearer than the nearest
have the loss there, and beyond the farthest distance the formula goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from channel_models.constants import SPEED_OF_LIGHT_MPS
from channel_models.geometry import Geometry

Decibels = NDArray[np.float64]
Sight = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What surrounds the links of a path loss model, apart from the loss itself.

    `decorrelation_m` is the distance at which the shadowing's correlation has fallen to 1/e: in sight, hidden, indoors;
    null where links are independent. `sight_decorrelation_m` is that of the draw that decides on line of sight.
    `indoor_depth_m` is how deep inside a building users may be, null if the model has no users in buildings.
    """

    base_height_m: float
    decorrelation_m: tuple[float, float, float] | None = None
    sight_decorrelation_m: float = 50.0
    indoor_depth_m: float | None = None
    indoor_sigma_db: float = 7.0


class PathLoss(Protocol):
    """Mean attenuation of links by their geometry and by whether the antennas see each other.

    A model of one's own that knows no line of sight inherits from `OneState`, and has `loss_db` alone to write.
    """

    @property
    def environment(self) -> Environment:
        """What surrounds the links."""
        ...

    def loss_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """Loss in dB of each link, in the common shape of the arguments."""
        ...

    def sight_probability(self, geometry: Geometry) -> NDArray[np.float64]:
        """Probability that the antennas see each other, in the shape of the distance."""
        ...

    def sigma_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """Standard deviation in dB of the shadowing of links outdoors."""
        ...


class OneState:
    """Line of sight makes no difference, and the shadowing of all links has the same deviation."""

    environment: Environment = Environment(base_height_m=25.0)
    sees: ClassVar[bool] = False
    shadowing_sigma_db: ClassVar[float] = 8.0

    def sight_probability(self, geometry: Geometry) -> NDArray[np.float64]:
        """One or zero for all."""
        return np.full_like(geometry.distance_2d_m, float(self.sees))

    def sigma_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """The same for all."""
        return np.full_like(geometry.distance_2d_m, self.shadowing_sigma_db)


@dataclass(frozen=True, kw_only=True)
class MacroPathLoss(OneState):
    """Urban macro cell: 128.1 + 37.6 log10(d / 1 km) + 21 log10(f / 2 GHz) dB, by horizontal distance.

    Slope and intercept: the baseline of 3GPP TR 25.814 and TR 36.814 (default, unconfirmed), which is TR 36.942 section
    4.5.2 for an antenna 15 m above the roofs up to 0.05 dB; the carrier term is that section's. Shadowing has 8 dB, and
    distances below `minimum_distance_m` (35 m) have the loss there (TR 36.814 both; defaults, unconfirmed).
    """

    carrier_hz: float
    minimum_distance_m: float = 35.0

    _reference_carrier_hz: ClassVar[float] = 2e9

    def __post_init__(self) -> None:
        _require_positive(carrier_hz=self.carrier_hz, minimum_distance_m=self.minimum_distance_m)

    def loss_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """See `PathLoss.loss_db`."""
        distance_km = geometry.no_nearer_than(self.minimum_distance_m).distance_2d_m / 1000.0
        loss: Decibels = (
            128.1 + 37.6 * np.log10(distance_km) + 21.0 * np.log10(self.carrier_hz / self._reference_carrier_hz)
        )
        return loss


@dataclass(frozen=True, kw_only=True)
class FreeSpace(OneState):
    """Free space (Friis 1946): 20 log10(4 pi d f / c) dB by the distance between the antennas; no shadowing.

    Antennas nearer than `minimum_distance_m` have the loss there.
    """

    carrier_hz: float
    minimum_distance_m: float = 1.0

    environment = Environment(base_height_m=10.0)
    sees: ClassVar[bool] = True
    shadowing_sigma_db: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        _require_positive(carrier_hz=self.carrier_hz, minimum_distance_m=self.minimum_distance_m)

    def loss_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """See `PathLoss.loss_db`."""
        return free_space_db(geometry.no_nearer_than(0.0, self.minimum_distance_m).distance_3d_m, self.carrier_hz)


@dataclass(frozen=True, kw_only=True)
class LogDistance(OneState):
    """Log-distance: free space up to a reference distance, from there on 10 n dB for each tenfold distance.

    The loss at `reference_distance_m` is that of free space unless `reference_loss_db` is given; nearer antennas have
    the loss there. `exponent` is n. Shadowing has 8 dB unless a scenario says otherwise.
    """

    carrier_hz: float
    exponent: float = 3.0
    reference_distance_m: float = 1.0
    reference_loss_db: float | None = None

    environment = Environment(base_height_m=10.0)

    def __post_init__(self) -> None:
        _require_positive(
            carrier_hz=self.carrier_hz, exponent=self.exponent, reference_distance_m=self.reference_distance_m
        )

    def loss_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """See `PathLoss.loss_db`."""
        reference_m = self.reference_distance_m
        distance_m = geometry.no_nearer_than(0.0, reference_m).distance_3d_m
        there_db = self.reference_loss_db
        if there_db is None:
            there_db = float(free_space_db(np.array(reference_m), self.carrier_hz))
        loss: Decibels = there_db + 10.0 * self.exponent * np.log10(distance_m / reference_m)
        return loss


def free_space_db(distance_m: NDArray[np.float64], carrier_hz: float) -> Decibels:
    """Loss in dB of free space between isotropic antennas: 20 log10(4 pi d f / c)."""
    loss: Decibels = 20.0 * np.log10(4.0 * np.pi * distance_m * carrier_hz / SPEED_OF_LIGHT_MPS)
    return loss


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0.0:
            raise ValueError(f"{name} must be positive, got {value}")
