"""Users in several cells, each with a band of its own; all learn together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.allocation.local_accuracy import Sharing
from cosim.allocation.problem import Array, DelayProblem
from cosim.allocation.shared import Shared


@dataclass(frozen=True, eq=False)
class PerCell:
    """The ``members`` of each cell share its band in a way of their own, and the slowest cell is waited for.

    Where the delay of each has one minimum over the local accuracy, so has the greatest of them.
    """

    sharings: Sequence[Sharing]
    members: Sequence[NDArray[np.int64]]

    def at(self, drops: DelayProblem, eta: Array, which: NDArray[np.int64], guess_s: Array | None) -> Shared:
        """See ``Sharing``."""
        found = [
            sharing.at(drops.among(users), eta, which, None)
            for sharing, users in zip(self.sharings, self.members, strict=True)
        ]
        round_s = np.stack([shared.round_s for shared in found])
        slowest = np.argmax(round_s, axis=0)[None]
        two = drops.federated_bandwidth_hz is not None
        return Shared(
            round_s=np.take_along_axis(round_s, slowest, axis=0)[0],
            slope=np.take_along_axis(np.stack([shared.slope for shared in found]), slowest, axis=0)[0],
            band_hz=self._together([shared.band_hz for shared in found]),
            federated_band_hz=self._together([np.asarray(each.federated_band_hz) for each in found]) if two else None,
        )

    def _together(self, bands: Sequence[Array]) -> Array:
        """Bands (m, K) of all users, from those of each cell's."""
        together = np.empty((len(bands[0]), sum(len(users) for users in self.members)))
        for users, band in zip(self.members, bands, strict=True):
            together[:, users] = band
        return together
