"""A cell whose transfers depend on each other: what one gets changes whenever another comes or goes."""

from __future__ import annotations

from functools import partial
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from channel_models.transfer import TransferNeverFinishes, delivered_bits, first_completion
from cosim.access.base import Access, Flows, Shares
from cosim.cell import HORIZON_NS, Transfer, arrive
from cosim.cells.air import Air, uplink_power
from cosim.cells.plan import Plan
from cosim.clock import Clock, to_ns, to_s
from cosim.interference import ActiveInterference, Interference

_KEPT_VALUES = 1 << 16  # windows of rates double: together they stay below a megabyte
_TELLING_BLOCKS = 2  # enough to see whether shares change from block to block


class SharedCell:
    """Divides the cell as ``access`` says, anew in each fading block.

    A transfer is the integral of its rate over the fading blocks; planned is the next completion.
    """

    def __init__(self, *, clock: Clock, air: Air, access: Access, interference: Interference) -> None:
        self._clock = clock
        self.air = air
        self._access = access
        self._interference = interference
        self._neighbours = interference if isinstance(interference, ActiveInterference) else None
        if self._neighbours is not None:
            self._neighbours.listen(self._disturb)
        self._transfers: list[Transfer] = []  # those under way, as in the arrays (k,) that follow
        self._ids: list[int] = []
        self._active = np.empty(0, dtype=np.int64)  # links
        self._remaining_bits = np.empty(0)
        self._on_air_s = np.empty(0)  # integral of the share of its sender's power
        self._begun = 0
        self._since_ns = 0
        self._plan = Plan(clock, self._look_ahead)
        self._flows = self._present()
        self._known: dict[int, tuple[NDArray[np.float64], Shares]] = {}

    def begin(self, link: int, nbytes: int) -> Transfer:
        """See ``Cell.begin``."""
        self.air.require_hope(link, nbytes)
        self._advance()
        transfer = Transfer(link=link, done=self._clock.event(), remaining_bits=nbytes * 8.0)
        self._transfers.append(transfer)
        self._ids.append(self._begun)
        self._begun += 1
        self._active = np.append(self._active, link)
        self._remaining_bits = np.append(self._remaining_bits, nbytes * 8.0)
        self._on_air_s = np.append(self._on_air_s, 0.0)
        self._change()
        return transfer

    def stop(self, transfer: Transfer) -> None:
        """See ``Cell.stop``."""
        transfer.stopped = True
        if transfer in self._transfers:
            self._advance()
            self._take_off([self._transfers.index(transfer)])
            self._change()

    def divide(self, access: Access) -> None:
        """See ``DivisibleCell.divide``."""
        self._advance()
        self._access = access
        self._change()

    def _disturb(self) -> None:
        """What the neighbour cells send has changed at this instant."""
        if self._transfers:
            self._advance()
            self._change()

    def _advance(self) -> None:
        """Take off what each transfer delivered since the last change."""
        now = self._clock.now_ns
        if self._transfers and now > self._since_ns:
            self._remaining_bits -= delivered_bits(self._rates, self.air.block_ns, self._since_ns, now)
            self._on_air_s += self._aired_s(now)
        self._since_ns = now

    def _aired_s(self, now_ns: int) -> NDArray[np.float64]:
        """For how long, times its share of its sender's power, each was on the air since the last change."""
        on_air = self._on_air(self._since_ns // self.air.block_ns, _TELLING_BLOCKS)
        if on_air.shape[1] == 1:
            return on_air[:, 0] * to_s(now_ns - self._since_ns)
        return delivered_bits(self._on_air, self.air.block_ns, self._since_ns, now_ns)

    def _change(self) -> None:
        """Others are under way, or under other circumstances."""
        self._plan.change()
        self._flows = self._present()
        self._known.clear()

    def _look_ahead(self) -> None:
        """Arrange the next completion."""
        if self._neighbours is not None:
            self._neighbours.announce(self._active, self._presence())
        if not self._transfers:
            return
        try:
            end_ns, winner = first_completion(
                self._rates, self.air.block_ns, self._since_ns, self._remaining_bits, horizon_ns=HORIZON_NS
            )
        except TransferNeverFinishes as error:
            raise TransferNeverFinishes(
                f"radio: the transfers of users {self._active.tolist()} would take over a year; {error}"
            ) from error
        self._plan.at(end_ns, partial(self._complete, winner))

    def _complete(self, winner: int) -> None:
        self._advance()
        ended = np.flatnonzero(self._remaining_bits <= max(0.0, self._remaining_bits[winner]))
        late_ns = [self._lateness_ns(number) for number in ended.tolist()]
        for transfer, lateness_ns in zip(self._take_off(ended.tolist()), late_ns, strict=True):
            transfer.remaining_bits = 0.0
            arrive(self._clock, transfer, lateness_ns)
        self._change()

    def _lateness_ns(self, number: int) -> int:
        if not self.air.links.repeats:
            return 0
        block = max(self._clock.now_ns - 1, 0) // self.air.block_ns  # in which the last bit was sent
        share = 1.0
        if self._access.divides == "band":
            share = float(self._access.shares(self._flows, block, 1)[number, 0])
        at_link_w = np.broadcast_to(self._interference_w, len(self._active))[number]
        power = uplink_power(self._access, self._active[[number]])
        return to_ns(self.air.lateness_s(int(self._active[number]), share, at_link_w, block, power))

    def _take_off(self, which: list[int]) -> list[Transfer]:
        """Remove these from the air, with their accounts made up."""
        for number in which:
            transfer = self._transfers[number]
            transfer.remaining_bits = max(0.0, float(self._remaining_bits[number]))
            transfer.energy_j = float(self.air.links.transmit_power_w[transfer.link] * self._on_air_s[number])
        ended, stay = [self._transfers[number] for number in which], np.ones(len(self._transfers), dtype=bool)
        stay[which] = False
        self._transfers, self._ids = list(compress(self._transfers, stay)), list(compress(self._ids, stay))
        self._active, self._remaining_bits = self._active[stay], self._remaining_bits[stay]
        self._on_air_s = self._on_air_s[stay]
        return ended

    def _present(self) -> Flows:
        self._interference_w = self._interference.received_w(self._active)
        alone = partial(self.air.alone_bps, self._active, self._interference_w)
        return Flows(epoch=self._plan.epoch, ids=tuple(self._ids), links=self._active, alone_bps=alone)

    def _presence(self) -> NDArray[np.float64]:
        """Share of its sender's power (k,) that each transfer puts into the air, as others hear it until a change.

        Where turns go by the fading, everybody's are taken to be as many.
        """
        if not self._transfers:
            return np.empty(0)
        on_air = self._on_air(self._clock.now_ns // self.air.block_ns, _TELLING_BLOCKS)
        return on_air[:, 0] if on_air.shape[1] == 1 else np.full(len(on_air), self.air.time_share / len(on_air))

    def _rates(self, first_block: int, blocks: int) -> NDArray[np.float64]:
        """Rates (k, blocks) of the present transfers."""
        return self._granted(first_block, blocks)[0][:, :blocks]

    def _on_air(self, first_block: int, blocks: int) -> Shares:
        """Share of its sender's power that goes into each transfer, (k, blocks) or (k, 1)."""
        return self._granted(first_block, blocks)[1][:, :blocks]

    def _granted(self, first_block: int, blocks: int) -> tuple[NDArray[np.float64], Shares]:
        """Rates and shares of power; what planning looked up, advancing uses again."""
        known = self._known.get(first_block)
        if known is not None and known[0].shape[1] >= blocks:
            return known
        granted = self.air.granted(self._access, self._flows, self._interference_w, first_block, blocks)
        if granted[0].size <= _KEPT_VALUES:
            self._known[first_block] = granted
        return granted
