"""One user after another, over the whole band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cosim.allocation.allocator import Allocator
from cosim.allocation.problem import Array, DelayProblem
from cosim.allocation.sending import sending_s
from cosim.allocation.shared import Shared


@dataclass(frozen=True, kw_only=True, eq=False)
class InTurn(Allocator):
    """The whole band for one user after another: TDMA of Yang et al. (arXiv 2007.03462)."""

    in_turn: ClassVar[bool] = True

    def sharing(self, drops: DelayProblem, users: NDArray[np.int64]) -> _InTurn:
        """See ``Allocator.sharing``."""
        return _InTurn()


class _InTurn:
    """All send one after another, after the slowest computation: no turn overlaps with anybody's computing."""

    def at(self, drops: DelayProblem, eta: Array, which: NDArray[np.int64], hint: Array | None) -> Shared:
        """See ``Sharing``."""
        sending, longer = sending_s(drops, eta, 1.0)
        slowest_s = np.max(drops.compute_s, axis=1)
        whole = np.ones(drops.compute_s.shape)
        federated_hz = drops.federated_bandwidth_hz
        return Shared(
            round_s=drops.iterations(eta)[:, 0] * slowest_s + np.sum(sending, axis=1),
            slope=np.asarray(drops.learning.iterations_slope(eta))[:, 0] * slowest_s + np.sum(longer, axis=1),
            band_hz=whole * drops.bandwidth_hz,
            federated_band_hz=None if federated_hz is None else whole * federated_hz,
        )
