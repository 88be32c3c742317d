"""How well one site reaches users wherever they go: the mean gain that their places make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from channel_models.decibels import db_to_linear
from channel_models.large_scale import LargeScale
from channel_models.mobility import Mobility


@dataclass(frozen=True, kw_only=True, eq=False)
class Reach:
    """The links between users and a mast at `mast_m`, in the coordinates in which the users move."""

    large_scale: LargeScale
    mobility: Mobility
    mast_m: tuple[float, float] = (0.0, 0.0)

    def mean_gain(self, links: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Linear gain (n, m) of links (n,) where users are at instants (m,): path loss, walls and shadowing."""
        places_m = self.mobility.places_m(links, times_ns) - np.array(self.mast_m)
        loss_db = self.large_scale.loss_db(np.repeat(links, len(times_ns)), places_m.reshape(-1, 2))
        return db_to_linear(-loss_db).reshape(places_m.shape[:2])
