"""Indoor path loss of 3GPP TR 38.901 (V16.1 to V19.2): offices and factories."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from channel_models.geometry import Geometry
from channel_models.pathloss import Decibels, Environment, Sight
from channel_models.tr38901 import Limits, Tr38901, falling

_INDOOR_SIGHT_DECORRELATION_M = 10.0  # section 7.6.3.3; default, unconfirmed


@dataclass(frozen=True, kw_only=True)
class IndoorOffice(Tr38901):
    """InH office of TR 38.901: 1 to 150 m between the antennas, 0.5 to 100 GHz; open or mixed."""

    office: Literal["mixed", "open"] = "mixed"

    limits: ClassVar[Limits] = Limits(nearest_3d_m=1.0)
    environment = Environment(
        base_height_m=3.0,
        decorrelation_m=(10.0, 6.0, 6.0),
        sight_decorrelation_m=_INDOOR_SIGHT_DECORRELATION_M,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.office not in ("mixed", "open"):
            raise ValueError(f"office must be mixed or open, got {self.office!r}")

    def sight_probability(self, geometry: Geometry) -> NDArray[np.float64]:
        """See `PathLoss.sight_probability`; Table 7.4.2-1."""
        distance_m = geometry.distance_2d_m
        if self.office == "mixed":
            far = 0.32 * falling(distance_m, 6.5, 32.6)
            return np.where(distance_m < 6.5, falling(distance_m, 1.2, 4.7), far)
        far = 0.54 * falling(distance_m, 49.0, 211.7)
        return np.where(distance_m <= 49.0, falling(distance_m, 5.0, 70.8), far)

    def sigma_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """See `PathLoss.sigma_db`; Table 7.4.1-1."""
        return np.where(in_sight, 3.0, 8.03)

    def _seen_db(self, geometry: Geometry) -> Decibels:
        return self._log_line(geometry, 32.4, 17.3, 20.0)

    def _hidden_db(self, geometry: Geometry) -> Decibels:
        return self._log_line(geometry, 17.3, 38.3, 24.9)


@dataclass(frozen=True, kw_only=True)
class Hall:
    """A kind of factory: what TR 38.901 says of it, with the clutter and mast of its calibration (Table 7.8-7).

    Loss out of sight: the most of `lines` (offset, slope), each with 20 log10 f. Clutter is null where nothing hides.
    Mast heights of the calibration: defaults, unconfirmed.
    """

    lines: tuple[tuple[float, float], ...]
    sigma_db: float
    base_height_m: float
    clutter: tuple[float, float, float] | None  # density, size in metres, height in metres
    above_clutter: bool = False


_SPARSE_LOW = (33.0, 25.5)
_HALLS = {
    "sl": Hall(lines=(_SPARSE_LOW,), sigma_db=5.7, base_height_m=1.5, clutter=(0.2, 10.0, 2.0)),
    "dl": Hall(lines=(_SPARSE_LOW, (18.6, 35.7)), sigma_db=7.2, base_height_m=1.5, clutter=(0.6, 2.0, 6.0)),
    "sh": Hall(lines=((32.4, 23.0),), sigma_db=5.9, base_height_m=8.0, clutter=(0.2, 10.0, 2.0), above_clutter=True),
    "dh": Hall(lines=((33.63, 21.9),), sigma_db=4.0, base_height_m=8.0, clutter=(0.6, 2.0, 6.0), above_clutter=True),
    "hh": Hall(lines=(), sigma_db=4.3, base_height_m=8.0, clutter=None),
}


@dataclass(frozen=True, kw_only=True)
class IndoorFactory(Tr38901):
    """InF of TR 38.901: 1 to 600 m between the antennas (default, unconfirmed), 0.5 to 100 GHz; five kinds.

    `kind`: clutter sparse or dense, antennas low or high (sl, dl, sh, dh), or both ends above it (hh). Share of the
    floor, size and height of clutter are those of the kind's calibration unless given.
    """

    kind: Literal["sl", "dl", "sh", "dh", "hh"] = "sl"
    clutter_density: float | None = None
    clutter_size_m: float | None = None
    clutter_height_m: float | None = None

    limits: ClassVar[Limits] = Limits(nearest_3d_m=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind not in _HALLS:
            raise ValueError(f"kind must be one of {', '.join(_HALLS)}, got {self.kind!r}")
        density, size_m, height_m = self._clutter
        if not 0.0 < density < 1.0:
            raise ValueError(f"clutter_density must lie between 0 and 1, got {density}")
        if not (size_m > 0.0 and height_m > 0.0):
            raise ValueError(f"clutter_size_m and clutter_height_m must be positive, got {size_m} and {height_m}")

    @property
    def environment(self) -> Environment:
        """See `PathLoss.environment`; the mast is that of the kind."""
        return Environment(
            base_height_m=self._hall.base_height_m,
            decorrelation_m=(10.0, 10.0, 10.0),
            sight_decorrelation_m=_INDOOR_SIGHT_DECORRELATION_M,
        )

    def sight_probability(self, geometry: Geometry) -> NDArray[np.float64]:
        """exp(-d / k) of Table 7.4.2-1. ValueError where user or mast are on the wrong side of the clutter."""
        if self._hall.clutter is None:
            return np.ones_like(geometry.distance_2d_m)
        return np.exp(-geometry.distance_2d_m / self._sight_decay_m(geometry))

    def sigma_db(self, geometry: Geometry, in_sight: Sight) -> Decibels:
        """See `PathLoss.sigma_db`; Table 7.4.1-1."""
        return np.where(in_sight, 4.3, self._hall.sigma_db)

    def _seen_db(self, geometry: Geometry) -> Decibels:
        return self._log_line(geometry, 31.84, 21.5, 19.0)

    def _hidden_db(self, geometry: Geometry) -> Decibels:
        loss_db = self._seen_db(geometry)
        for offset_db, slope in self._hall.lines:
            loss_db = np.maximum(loss_db, self._log_line(geometry, offset_db, slope, 20.0))
        return loss_db

    def _sight_decay_m(self, geometry: Geometry) -> NDArray[np.float64]:
        density, size_m, height_m = self._clutter
        decay_m = np.asarray(-size_m / math.log(1.0 - density))
        if not self._hall.above_clutter:
            return decay_m
        if not (
            np.all(geometry.base_height_m > np.float64(height_m))
            and np.all(geometry.user_height_m < np.float64(height_m))
        ):
            raise ValueError(
                f"clutter_height_m must lie between user and antenna for kind {self.kind}, got {height_m:g}"
            )
        return (
            decay_m * np.subtract(geometry.base_height_m, geometry.user_height_m) / (height_m - geometry.user_height_m)
        )

    @property
    def _hall(self) -> Hall:
        return _HALLS[self.kind]

    @property
    def _clutter(self) -> tuple[float, float, float]:
        given = (self.clutter_density, self.clutter_size_m, self.clutter_height_m)
        density, size_m, height_m = (
            theirs if own is None else own
            for own, theirs in zip(given, self._hall.clutter or (0.2, 10.0, 2.0), strict=True)
        )
        return density, size_m, height_m
