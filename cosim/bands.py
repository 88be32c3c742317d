"""Deals the uplink bands of a run out among its users, as an allocator says."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from channel_models.randomness import Stream
from cosim.access.dedicated import Dedicated
from cosim.access.tdma import Tdma
from cosim.allocation.problem import DelayProblem
from cosim.cells.build import air_of, build_cells, trace_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cosim.access.base import Access
    from cosim.allocation.allocator import Allocator
    from cosim.allocation.demand import Demand
    from cosim.allocation.learning_model import LearningModel
    from cosim.allocation.problem import Allocation, Array
    from cosim.cell import Cell, DivisibleCell
    from cosim.clock import Clock
    from cosim.coverage import Coverage
    from cosim.network import Network
    from cosim.nodes import User
    from cosim.radio import Direction
    from cosim.scenario.models import Scenario
    from cosim.scenario.parts import AllocationPart

_OF_LATE = 64
"""Blocks of fading whose rates are averaged: one alone may lie in a deep fade, which says nothing of a round."""


class Bands:
    """Knows the channels and the cells; what users have to do and to send, a scheme says.

    Until it deals, the cells are as the scenario's access policy has them.
    """

    def __init__(
        self, scenario: Scenario, clock: Clock, coverage: Coverage, network: Network, users: Sequence[User]
    ) -> None:
        self._scenario = scenario
        self._clock = clock
        self._coverage = coverage
        self._network = network
        self._users = users
        self._dealt = False

    def allocator(self, part: AllocationPart) -> Allocator:
        """The allocator that a scheme names; raises as ``checked_allocator``."""
        return checked_allocator(self._scenario, part)

    def problem(self, demand: Demand, learning: LearningModel, *, current: bool = False) -> DelayProblem:
        """The delay problem of one drop, arrays (1, K), with mean gains or with ``current`` ones."""
        radio = self._scenario.radio
        time_share = 1.0 if radio.uplink_time is None else radio.uplink_time
        main_hz, federated_hz = radio.bandwidth, radio.federated_bandwidth
        if federated_hz is not None and not demand.activation_bits.any():
            main_hz, federated_hz = federated_hz, None  # all that goes up are adapters
        return DelayProblem(
            carrier_to_noise_hz=self._carrier_to_noise_hz(current)[None],
            compute_s=demand.compute_s[None],
            adapter_bits=demand.adapter_bits[None] / time_share,
            activation_bits=demand.activation_bits[None] / time_share,
            bandwidth_hz=main_hz,
            federated_bandwidth_hz=federated_hz,
            each_iteration=demand.each_iteration,
            learning=learning,
            power_w=self._coverage.links("uplink")[0].transmit_power_w[None],  # the same wherever users are
        )

    def whole_rates_bps(self, direction: Direction) -> Array:
        """What each user (K,) would have got of late with the whole band of its cell."""
        radio, serving, found = self._scenario.radio, self.serving, np.full(len(self._users), np.inf)
        if direction == "downlink" and radio.downlink == "neglected":
            return found
        for edge in np.unique(serving).tolist():
            there, its = np.flatnonzero(serving == edge), self._coverage.links(direction)[edge]
            block = self._clock.now_ns // its.fading.block_ns
            blocks = int(min(block + 1, _OF_LATE))
            whole = np.ones((len(there), blocks))
            rates_bps, _ = air_of(radio, its, direction).in_part(there, whole, 0.0, block + 1 - blocks, blocks)
            found[there] = rates_bps.mean(axis=1)
        return found

    @property
    def serving(self) -> NDArray[np.int64]:
        """The edge server (K,) that serves each user now."""
        return np.array([user.link.serving.index for user in self._users])

    def deal(self, allocator: Allocator, allocation: Allocation) -> None:
        """From now on users have these bands, (1, K), in the cells that serve them, and put so much power into them."""
        federated_hz = allocation.federated_band_hz
        access = self._access(allocator, allocation.band_hz, allocation.power_share)
        federated = (
            access if federated_hz is None else self._access(allocator, federated_hz, allocation.federated_power_share)
        )
        if self._dealt:
            _divide(self._network.uplinks, access)
            _divide(self._network.federated_uplinks or (), federated)
        else:
            self._network.uplinks = self._cells(access)
            if (band := self._scenario.radio.federated_bandwidth) is not None:
                self._network.federated_uplinks = self._cells(federated, band)
        self._dealt = True

    def _access(self, allocator: Allocator, bands_hz: Array, power_share: Array | None) -> list[Access]:
        """The access policy of each cell; both are (1, K)."""
        serving, count, band_hz = self.serving, len(self._users), bands_hz[0]
        if allocator.in_turn:
            return [Tdma() for _ in range(self._coverage.edges)]
        parts = band_hz / np.bincount(serving, weights=band_hz, minlength=self._coverage.edges)[serving]
        dealt = tuple(np.minimum(parts, 1.0).tolist())
        powers = None if power_share is None else tuple(power_share[0].tolist())
        return [
            Dedicated(users=count, attached=np.flatnonzero(serving == edge), parts=dealt, powers=powers)
            for edge in range(self._coverage.edges)
        ]

    def _cells(self, access: Sequence[Access], band_hz: float | None = None) -> list[Cell]:
        return build_cells(self._scenario, self._clock, self._coverage, "uplink", band_hz, access)

    def _carrier_to_noise_hz(self, current: bool) -> Array:
        """C / N0 (K,) at full power, towards the edge servers that serve."""
        links, serving, users = self._coverage.links("uplink"), self.serving, self._coverage.users
        found = np.empty(len(users))
        for edge in np.unique(serving).tolist():
            there, its = users[serving == edge], links[edge]
            block = self._clock.now_ns // its.fading.block_ns
            now = its.carrier_to_noise_hz(there, block, 1)[:, 0] if current else its.mean_carrier_to_noise_hz[there]
            found[there] = now
        return found


def checked_allocator(scenario: Scenario, part: AllocationPart) -> Allocator:
    """The allocator that ``part`` names.

    Raises:
        ValueError: it cannot be made, or there is no band to share.
    """
    if trace_of(scenario.radio, "uplink") is not None:
        raise ValueError("radio.uplink_trace: rates are recorded, so that there is no band to share")
    model: Allocator = part.build(stream=Stream(scenario.seed, "random bands"))
    return model


def _divide(cells: Sequence[Cell], access: Sequence[Access]) -> None:
    for cell, its in zip(cells, access, strict=True) if cells else ():
        cast("DivisibleCell", cell).divide(its)  # as all are that dedicated access makes
