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


@dataclass(eq=False)
class Transfer:
    """Something under way in a cell; ``done`` is the arrival of its last bit, with the energy in joules as its value.

    What remains and what was spent is said when it is stopped.
    """

    link: int
    done: simpy.Event
    remaining_bits: float
    energy_j: float = 0.0


class Cell(Protocol):
    """One direction of a cell; how the transfers in it share the band is its own affair."""

    def begin(self, link: int, nbytes: int) -> Transfer:
        """Carry ``nbytes`` over ``link`` from now on."""
        ...

    def stop(self, transfer: Transfer) -> None:
        """Take it off the air, with what remains and what was spent up to date; ``done`` will never happen."""
        ...


class EqualShareCell:
    """Processor sharing: n transfers at a time have 1/n of the band each, whoever they are.

    On the uplink each user puts its whole power into its share; on the downlink (``splits_power``) the edge server
    splits its power as it splits the band. A transfer is the integral of its rate over the fading blocks. One event is
    pending at a time, the next completion; an arrival makes the old one void.
    """

    def __init__(self, *, clock: Clock, links: RadioLinks, bandwidth_hz: float, splits_power: bool) -> None:
        self._clock = clock
        self.links = links
        self._bandwidth_hz = bandwidth_hz
        self._splits_power = splits_power
        steady, everybody = replace(links, fading=NoFading(block_ns=1)), np.arange(len(links.mean_gain))
        self._best_bps = steady.rates_bps(everybody, bandwidth_hz, 1.0, 0, 1)[:, 0]
        self._done: list[simpy.Event] = []  # one for each transfer under way, as in the arrays (n,) that follow
        self._active = np.empty(0, dtype=np.int64)  # links
        self._remaining_bits = np.empty(0)
        self._on_air_s: list[float] = []  # what ``_share_s`` was when it began
        self._share_s = 0.0  # integral of the share of its power that a sender put into one transfer
        self._since_ns = 0
        self._generation = 0
        self._known_rates: dict[int, np.ndarray] = {}

    def send(self, link: int, nbytes: int) -> simpy.Event:
        """Carry ``nbytes`` over ``link``, whatever comes; the event is ``Transfer.done``."""
        return self.begin(link, nbytes).done

    def begin(self, link: int, nbytes: int) -> Transfer:
        """See ``Cell.begin``.

        Raises:
            TransferNeverFinishes: the channel is so weak that the transfer would not end within a year.
        """
        self._require_hope(link, nbytes)
        self._advance()
        transfer = Transfer(link, self._clock.event(), nbytes * 8.0)
        self._done.append(transfer.done)
        self._active = np.append(self._active, link)
        self._remaining_bits = np.append(self._remaining_bits, nbytes * 8.0)
        self._on_air_s.append(self._share_s)
        self._plan()
        return transfer

    def stop(self, transfer: Transfer) -> None:
        """See ``Cell.stop``."""
        self._advance()
        place = self._done.index(transfer.done)
        transfer.remaining_bits = max(0.0, float(self._remaining_bits[place]))
        transfer.energy_j = self._take_off(place)
        self._plan()

    def _take_off(self, place: int) -> float:
        """Forget the transfer at ``place``, and return the energy it took in joules."""
        power_w = float(self.links.transmit_power_w[self._active[place]])
        energy_j = power_w * (self._share_s - self._on_air_s.pop(place))
        others = np.arange(len(self._active)) != place
        del self._done[place]
        self._active, self._remaining_bits = self._active[others], self._remaining_bits[others]
        return energy_j

    def _require_hope(self, link: int, nbytes: int) -> None:
        """Refuse at once what has no chance even alone, for looking block by block would take hours.

        The capacity being concave in the gain, no fading of mean one beats the rate at its mean in the long run.
        """
        rate_bps = float(self._best_bps[link])
        if nbytes * 8 > rate_bps * to_s(_HORIZON_NS):
            raise TransferNeverFinishes(
                f"radio: user {link} has at best {rate_bps:.3g} bit/s, at which {nbytes} bytes take over a year; "
                "raise bandwidth or power, or lower cell_radius or shadowing"
            )

    def _advance(self) -> None:
        """Take off what each transfer delivered since the last change."""
        now = self._clock.now_ns
        if self._done and now > self._since_ns:
            self._remaining_bits -= delivered_bits(self._rates, self._block_ns, self._since_ns, now)
            self._share_s += self._power_share * to_s(now - self._since_ns)
        self._since_ns = now

    def _plan(self) -> None:
        """Arrange the next completion, should nothing change before."""
        self._generation += 1
        self._known_rates.clear()
        if not self._done:
            return
        generation = self._generation
        try:
            end_ns, winner = first_completion(
                self._rates, self._block_ns, self._since_ns, self._remaining_bits, horizon_ns=_HORIZON_NS
            )
        except TransferNeverFinishes as error:
            raise TransferNeverFinishes(
                f"radio: the transfers of users {self._active.tolist()} would take over a year; {error}"
            ) from error
        self._clock.at(end_ns, lambda: self._complete(winner, generation))

    def _complete(self, winner: int, generation: int) -> None:
        if generation != self._generation:
            return  # void: somebody came after this was planned
        self._advance()
        done = self._done[winner]
        energy_j = self._take_off(winner)
        self._plan()
        done.succeed(energy_j)

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
        share_hz = self._bandwidth_hz / len(self._done)
        return self.links.rates_bps(self._active, share_hz, self._power_share, first_block, blocks)

    @property
    def _power_share(self) -> float:
        return 1 / len(self._done) if self._splits_power else 1.0

    @property
    def _block_ns(self) -> int:
        return self.links.fading.block_ns
