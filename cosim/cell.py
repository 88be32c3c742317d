"""The radio cell of an edge server, one direction: transfers that share a band."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import simpy

from channel_models.fading import NoFading
from channel_models.links import RadioLinks
from channel_models.transfer import TransferNeverFinishes, delivered_bits, first_completion
from cosim.clock import NS_PER_S, Clock, to_s

_HORIZON_NS = 365 * 24 * 3600 * NS_PER_S
"""A transfer that has not ended after a simulated year never will."""
_KEPT_RATES = 1 << 16  # windows of rates double: together they stay below a megabyte


class Cell(Protocol):
    """One direction of a cell; how the transfers in it share the band is its own affair."""

    def send(self, link: int, nbytes: int) -> simpy.Event:
        """Carry ``nbytes`` over ``link``; the event is the arrival of the last bit, its value the energy in joules."""
        ...


@dataclass(eq=False)
class _Transfer:
    link: int
    remaining_bits: float
    done: simpy.Event
    energy_j: float = 0.0


class EqualShareCell:
    """Processor sharing: n transfers at a time have 1/n of the band each, whoever they are.

    On the uplink each user puts its whole power into its share; on the downlink (``splits_power``) the edge server
    splits its power as it splits the band. A transfer is the integral of its rate over the fading blocks. One event is
    pending at a time, the next completion; an arrival makes the old one void.
    """

    def __init__(self, *, clock: Clock, links: RadioLinks, bandwidth_hz: float, splits_power: bool) -> None:
        self._clock = clock
        self.links = links
        self._mean_links = replace(links, fading=NoFading(block_ns=links.fading.block_ns))
        self._bandwidth_hz = bandwidth_hz
        self._splits_power = splits_power
        self._active: list[_Transfer] = []
        self._since_ns = 0
        self._generation = 0
        self._known_rates: dict[int, np.ndarray] = {}

    def send(self, link: int, nbytes: int) -> simpy.Event:
        """See ``Cell.send``.

        Raises:
            TransferNeverFinishes: the channel is so weak that the transfer would not end within a year.
        """
        self._require_hope(link, nbytes)
        self._advance()
        transfer = _Transfer(link, nbytes * 8.0, self._clock.event())
        self._active.append(transfer)
        self._plan()
        return transfer.done

    def _require_hope(self, link: int, nbytes: int) -> None:
        """Refuse at once what has no chance even alone, for looking block by block would take hours.

        The capacity being concave in the gain, no fading of mean one beats the rate at its mean in the long run.
        """
        rate_bps = float(self._mean_links.rates_bps(np.array([link]), self._bandwidth_hz, 1.0, 0, 1)[0, 0])
        if nbytes * 8 > rate_bps * to_s(_HORIZON_NS):
            raise TransferNeverFinishes(
                f"radio: user {link} has at best {rate_bps:.3g} bit/s, at which {nbytes} bytes take over a year; "
                "raise bandwidth or power, or lower cell_radius or shadowing"
            )

    def _advance(self) -> None:
        """Take off what each transfer delivered since the last change."""
        now = self._clock.now_ns
        if self._active and now > self._since_ns:
            sent = delivered_bits(self._rates, self._block_ns, self._since_ns, now)
            seconds = to_s(now - self._since_ns)
            for transfer, bits in zip(self._active, sent.tolist(), strict=True):
                transfer.remaining_bits -= bits
                power_w = float(self.links.transmit_power_w[transfer.link]) * self._power_share
                transfer.energy_j += power_w * seconds
        self._since_ns = now

    def _plan(self) -> None:
        """Arrange the next completion, should nothing change before."""
        self._generation += 1
        self._known_rates.clear()
        if not self._active:
            return
        generation = self._generation
        remaining = np.array([transfer.remaining_bits for transfer in self._active])
        try:
            end_ns, winner = first_completion(
                self._rates, self._block_ns, self._since_ns, remaining, horizon_ns=_HORIZON_NS
            )
        except TransferNeverFinishes as error:
            links = [transfer.link for transfer in self._active]
            raise TransferNeverFinishes(
                f"radio: the transfers of users {links} would take over a year; {error}"
            ) from error
        first = self._active[winner]
        self._clock.at(end_ns, lambda: self._complete(first, generation))

    def _complete(self, transfer: _Transfer, generation: int) -> None:
        if generation != self._generation:
            return  # void: somebody came after this was planned
        self._advance()
        self._active.remove(transfer)
        self._plan()
        transfer.done.succeed(transfer.energy_j)

    def _rates(self, first_block: int, blocks: int) -> np.ndarray:
        """Rates (transfers, blocks) of the present transfers; what planning looked up, advancing uses again."""
        known = self._known_rates.get(first_block)
        if known is not None and known.shape[1] >= blocks:
            return known[:, :blocks]
        rates = self._look_up_rates(first_block, blocks)
        if rates.size <= _KEPT_RATES:
            self._known_rates[first_block] = rates
        return rates

    def _look_up_rates(self, first_block: int, blocks: int) -> np.ndarray:
        links = np.array([transfer.link for transfer in self._active])
        share_hz = self._bandwidth_hz / len(self._active)
        return self.links.rates_bps(links, share_hz, self._power_share, first_block, blocks)

    @property
    def _power_share(self) -> float:
        return 1 / len(self._active) if self._splits_power else 1.0

    @property
    def _block_ns(self) -> int:
        return self.links.fading.block_ns
