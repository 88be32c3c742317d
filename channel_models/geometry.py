"""Where users stand, and how far apart things are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from channel_models.randomness import Stream

Lengths = float | NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Geometry:
    """How links lie in space: horizontal distance in metres, of any shape, and heights that broadcast with it.

    `chance` is a uniform number in [0, 1) that belongs to a link for good, from which a path loss model takes what it
    leaves to chance about its surroundings, so that the same link always has the same loss. ValueError if a distance or
    height is negative or not a number.
    """

    distance_2d_m: NDArray[np.float64]
    base_height_m: Lengths
    user_height_m: Lengths
    chance: Lengths = 0.0

    def __post_init__(self) -> None:
        for name in ("distance_2d_m", "base_height_m", "user_height_m"):
            values = getattr(self, name)
            if not np.all(np.greater_equal(values, 0.0)):
                raise ValueError(f"{name} must not be negative, got {np.min(values)}")

    @property
    def distance_3d_m(self) -> NDArray[np.float64]:
        """Distance between the antennas in metres."""
        distance: NDArray[np.float64] = np.hypot(self.distance_2d_m, self._height_difference_m)
        return distance

    def no_nearer_than(self, distance_2d_m: float, distance_3d_m: float = 0.0) -> Geometry:
        """The same links, moved away horizontally where they are nearer than either of these."""
        horizontal_m = np.sqrt(np.maximum(distance_3d_m**2 - np.square(self._height_difference_m), 0.0))
        return replace(self, distance_2d_m=np.maximum(self.distance_2d_m, np.maximum(horizontal_m, distance_2d_m)))

    @property
    def _height_difference_m(self) -> Lengths:
        return np.subtract(self.base_height_m, self.user_height_m)


def uniform_disc(stream: Stream, users: NDArray[np.int64], radius_m: float, minimum_m: float) -> NDArray[np.float64]:
    """Positions (n, 2) in metres relative to the centre, uniform over the area between the two radii.

    Each of the `users` (n,) stands where its number puts it, whoever else is there. ValueError unless
    0 <= minimum_m <= radius_m.
    """
    return uniform_ring(stream.uniform(users, 0), stream.uniform(users, 1), radius_m, minimum_m)


def uniform_ring(
    area_share: NDArray[np.float64], turn: NDArray[np.float64], radius_m: float, minimum_m: float
) -> NDArray[np.float64]:
    """Positions (..., 2) in metres in a ring, uniform over its area if both numbers (...) are uniform in [0, 1).

    ValueError unless 0 <= minimum_m <= radius_m.
    """
    if not 0.0 <= minimum_m <= radius_m:
        raise ValueError(f"minimum_m must lie between 0 and radius_m = {radius_m}, got {minimum_m}")
    distance = np.sqrt(minimum_m**2 + area_share * (radius_m**2 - minimum_m**2))
    return np.stack([distance * np.cos(2.0 * np.pi * turn), distance * np.sin(2.0 * np.pi * turn)], axis=-1)


def distance_m(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distance between points (..., 2) or (..., 3) in metres; leading axes broadcast."""
    distance: NDArray[np.float64] = np.linalg.norm(np.asarray(a) - np.asarray(b), axis=-1)
    return distance
