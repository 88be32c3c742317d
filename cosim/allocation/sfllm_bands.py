"""The bands of SflLLM: whole subchannels, and of its power no more from anybody than the last to finish allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cosim.allocation.allocator import Allocator
from cosim.allocation.problem import Array, DelayProblem, NoAllocation
from cosim.allocation.sfllm.delay import by_client
from cosim.allocation.sfllm.power import earliest
from cosim.allocation.sfllm.problem import Uplink
from cosim.allocation.sfllm.subchannels import greedy
from cosim.allocation.shared import Shared


@dataclass(frozen=True, kw_only=True, eq=False)
class Subchannels(Allocator):
    """Whole subchannels by the greedy rule, and the exact powers for them: SflLLM (arXiv 2504.14667).

    The band of a cell is so many equal ``subchannels``, at least one for each user. Nobody has more power than its own,
    all users of a cell together no more than ``total_power_w``, if it is given. A federated server's own band has as
    many subchannels, dealt in the same way for the time when all have sent their activations. ValueError unless both
    are positive.
    """

    subchannels: int = 20
    total_power_w: float | None = None

    jumps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.subchannels) is not int or self.subchannels < 1:
            raise ValueError(f"subchannels must be a number above 0, got {self.subchannels!r}")
        if self.total_power_w is not None and not 0.0 < self.total_power_w < np.inf:
            raise ValueError(f"total_power must be above 0 W, got {self.total_power_w}")

    def require_room(self, users: NDArray[np.int64], cell: int = 0) -> None:
        """See ``Allocator.require_room``."""
        if len(users) > self.subchannels:
            raise NoAllocation(
                f"subchannels = {self.subchannels}: cell {cell} has {len(users)} users ({_listed(users)}), and each "
                f"needs one; expected at least {len(users)}"
            )

    def sharing(self, drops: DelayProblem, users: NDArray[np.int64]) -> _InSubchannels:
        """See ``Allocator.sharing``."""
        return _InSubchannels(self.subchannels, self.total_power_w)


@dataclass(frozen=True, eq=False)
class _InSubchannels:
    """So many for the users of a cell, who together have no more than that power, if it is given."""

    subchannels: int
    total_power_w: float | None

    def at(self, drops: DelayProblem, eta: Array, which: NDArray[np.int64], hint: Array | None) -> Shared:
        """See ``Sharing``."""
        activations, _ = drops.activations(eta)
        computed_s = drops.iterations(eta) * drops.compute_s
        if drops.federated_bandwidth_hz is None:
            return self._band(drops, drops.bandwidth_hz, activations + drops.adapter_bits, computed_s)
        main = self._band(drops, drops.bandwidth_hz, activations, computed_s)
        sent_s = np.broadcast_to(main.round_s[:, None], computed_s.shape)  # nobody is done with activations before
        federated = self._band(drops, drops.federated_bandwidth_hz, drops.adapter_bits, sent_s)
        return Shared(
            round_s=federated.round_s,
            slope=None,
            band_hz=main.band_hz,
            federated_band_hz=federated.band_hz,
            power_share=main.power_share,
            federated_power_share=federated.power_share,
        )

    def _band(self, drops: DelayProblem, band_hz: float, bits: Array, busy_s: Array) -> Shared:
        """Until all have sent ``bits`` over one band, each from ``busy_s`` on; both (drops, K)."""
        uplink, users = self._uplink(drops, band_hz), drops.users
        owner = greedy(uplink, -drops.compute_s, bits, busy_s)  # the slowest first, whatever it is that takes the time
        grant, done_s = earliest(uplink, owner, bits, busy_s)
        return Shared(
            round_s=done_s,
            slope=None,
            band_hz=by_client(uplink.width_hz, owner, users),
            power_share=np.minimum(by_client(grant.power_w, owner, users) / drops.power_w, 1.0),  # but for rounding
        )

    def _uplink(self, drops: DelayProblem, band_hz: float) -> Uplink:
        """Of subchannels that are alike; with no limit for all, the greedy rule goes by each one's whole power."""
        gain = (drops.carrier_to_noise_hz / drops.power_w)[..., None]
        unlimited_w = self.subchannels * float(np.max(np.sum(drops.power_w, axis=-1)))  # all of it in one subchannel
        return Uplink(
            width_hz=np.full(self.subchannels, band_hz / self.subchannels),
            gain_to_noise_hz_per_w=np.broadcast_to(gain, (*drops.compute_s.shape, self.subchannels)),
            client_power_w=drops.power_w,
            total_power_w=self.total_power_w or unlimited_w,
        )


def _listed(users: NDArray[np.int64]) -> str:
    return ", ".join(str(user) for user in users.tolist())
