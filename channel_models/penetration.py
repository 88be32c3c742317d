"""What the walls and rooms of a building take: outdoor-to-indoor penetration of 3GPP TR 38.901 section 7.4.3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from channel_models.decibels import db_to_linear
from channel_models.randomness import Stream

Building = Literal["low", "high", "simple"]

_DB_PER_METRE = 0.5  # of depth inside the building


@dataclass(frozen=True, kw_only=True)
class Penetration:
    """Loss of users inside buildings.

    `building`: low or high loss by materials (Table 7.4.3-2), or `simple`, 20 dB at any carrier, which the report keeps
    for simulations below 6 GHz (Table 7.4.3-3). ValueError for any other, or a carrier that is not positive.
    """

    carrier_hz: float
    building: Building = "low"

    def __post_init__(self) -> None:
        if self.building not in _WALLS:
            raise ValueError(f"building must be one of {', '.join(_WALLS)}, got {self.building!r}")
        if not self.carrier_hz > 0.0:
            raise ValueError(f"carrier_hz must be positive, got {self.carrier_hz}")

    @property
    def wall_db(self) -> float:
        """Mean loss of the outer wall."""
        return _WALLS[self.building][0](self.carrier_hz / 1e9)

    @property
    def sigma_db(self) -> float:
        """Standard deviation of the loss of the outer wall from one building to the next."""
        return _WALLS[self.building][1]

    def loss_db(self, stream: Stream, links: NDArray[np.int64], depth_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Loss of each link (n,) to a user `depth_m` (n,) inside; the wall is drawn once for a link."""
        return self.wall_db + self.sigma_db * stream.normal(links, 0) + _DB_PER_METRE * depth_m


def depth_m(stream: Stream, links: NDArray[np.int64], greatest_m: float) -> NDArray[np.float64]:
    """How far inside its building each user (n,) is: the lesser of two uniform numbers up to the greatest depth."""
    return greatest_m * np.minimum(stream.uniform(links, 0), stream.uniform(links, 1))


def _through(share: float, one_db: float, other_db: float) -> float:
    """Loss of a wall of two materials, of which one has `share` of the area, at oblique incidence (5 dB)."""
    passed = share * db_to_linear(-one_db) + (1.0 - share) * db_to_linear(-other_db)
    return 5.0 - 10.0 * float(np.log10(passed))


def _low_db(carrier_ghz: float) -> float:
    glass_db, concrete_db = 2.0 + 0.2 * carrier_ghz, 5.0 + 4.0 * carrier_ghz
    return _through(0.3, glass_db, concrete_db)


def _high_db(carrier_ghz: float) -> float:
    coated_glass_db, concrete_db = 23.0 + 0.3 * carrier_ghz, 5.0 + 4.0 * carrier_ghz
    return _through(0.7, coated_glass_db, concrete_db)


def _simple_db(_carrier_ghz: float) -> float:
    return 20.0


_WALLS: dict[str, tuple[Callable[[float], float], float]] = {
    "low": (_low_db, 4.4),
    "high": (_high_db, 6.5),
    "simple": (_simple_db, 0.0),
}
