"""Bands that somebody has shared without a look at what users have to send."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.allocation.problem import Array, DelayProblem
from cosim.allocation.sending import sending_s
from cosim.allocation.shared import Shared


@dataclass(frozen=True, eq=False)
class AsGiven:
    """Bands that are these ``shares`` (drops, K) of what there is; of the federated server's band, too."""

    shares: Array

    def at(self, drops: DelayProblem, eta: Array, which: NDArray[np.int64], hint: Array | None) -> Shared:
        """See ``Sharing``; the slowest user is waited for."""
        shares = self.shares[which]
        sending, longer = sending_s(drops, eta, shares)
        finish_s = drops.iterations(eta) * drops.compute_s + sending
        later = drops.learning.iterations_slope(eta) * drops.compute_s + longer
        slowest = np.argmax(finish_s, axis=1)[:, None]
        federated_hz = drops.federated_bandwidth_hz
        return Shared(
            round_s=np.take_along_axis(finish_s, slowest, axis=1)[:, 0],
            slope=np.take_along_axis(later, slowest, axis=1)[:, 0],
            band_hz=shares * drops.bandwidth_hz,
            federated_band_hz=None if federated_hz is None else shares * federated_hz,
        )
