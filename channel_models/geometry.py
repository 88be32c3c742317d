"""Where users stand, and how far apart things are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from channel_models.randomness import Stream


def uniform_disc(stream: Stream, users: NDArray[np.int64], radius_m: float, minimum_m: float) -> NDArray[np.float64]:
    """Positions (n, 2) in metres relative to the centre, uniform over the area between the two radii.

    Each of the `users` (n,) stands where its number puts it, whoever else is there. ValueError unless
    0 <= minimum_m <= radius_m.
    """
    if not 0.0 <= minimum_m <= radius_m:
        raise ValueError(f"minimum_m must lie between 0 and radius_m = {radius_m}, got {minimum_m}")
    area_share, turn = stream.uniform(users, 0), stream.uniform(users, 1)
    distance = np.sqrt(minimum_m**2 + area_share * (radius_m**2 - minimum_m**2))
    return np.stack([distance * np.cos(2.0 * np.pi * turn), distance * np.sin(2.0 * np.pi * turn)], axis=-1)


def distance_m(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distance between points (..., 2) or (..., 3) in metres; leading axes broadcast."""
    distance: NDArray[np.float64] = np.linalg.norm(np.asarray(a) - np.asarray(b), axis=-1)
    return distance
