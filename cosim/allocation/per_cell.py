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

    def at(self, drops: DelayProblem, eta: Array, which: NDArray[np.int64], hint: Array | None) -> Shared:
        """See ``Sharing``."""
        found = [
            sharing.at(drops.among(users), eta, which, None)
            for sharing, users in zip(self.sharings, self.members, strict=True)
        ]
        round_s = np.stack([shared.round_s for shared in found])
        slowest = np.argmax(round_s, axis=0)[None]
        slopes = _all_given([shared.slope for shared in found])
        return Shared(
            round_s=np.take_along_axis(round_s, slowest, axis=0)[0],
            slope=None if slopes is None else np.take_along_axis(np.stack(slopes), slowest, axis=0)[0],
            band_hz=self._placed([shared.band_hz for shared in found]),
            federated_band_hz=self._together([shared.federated_band_hz for shared in found]),
            power_share=self._together([shared.power_share for shared in found]),
            federated_power_share=self._together([shared.federated_power_share for shared in found]),
        )

    def _together(self, values: Sequence[Array | None]) -> Array | None:
        """What (m, K) all users have, from what each cell's have, if they have it."""
        given = _all_given(values)
        return None if given is None else self._placed(given)

    def _placed(self, values: Sequence[Array]) -> Array:
        together = np.empty((len(values[0]), sum(len(users) for users in self.members)))
        for users, its in zip(self.members, values, strict=True):
            together[:, users] = its
        return together


def _all_given(values: Sequence[Array | None]) -> list[Array] | None:
    given = [each for each in values if each is not None]
    return given if len(given) == len(values) else None
