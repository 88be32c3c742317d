"""What a share of a cell is worth: rate, power and delay by link, direction and interference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from channel_models.links import PerLink, RadioLinks
from channel_models.transfer import TransferNeverFinishes
from cosim.access.base import Access, Flows, Shares
from cosim.access.dedicated import Dedicated
from cosim.cell import HORIZON_NS
from cosim.clock import to_s


@dataclass(frozen=True, kw_only=True, eq=False)
class Air:
    """One direction of a cell, whoever is in it.

    On the uplink each user puts its whole power into its part of the band, or as much of it as the access policy says;
    on the downlink (``splits_power``) the edge server splits its power as it splits the band. The direction has
    ``time_share`` of the time, the other one the rest if they take turns in one band (TDD), in turns that are short
    beside a fading block.
    """

    links: RadioLinks
    bandwidth_hz: float
    splits_power: bool
    time_share: float = 1.0

    @property
    def block_ns(self) -> int:
        """Length of a fading block."""
        return self.links.fading.block_ns

    def alone_bps(
        self, links: NDArray[np.int64], interference_w: PerLink, first_block: int, blocks: int
    ) -> NDArray[np.float64]:
        """Rates (k, blocks) that links (k,) have with the whole cell, each under so much interference on the band."""
        rates = self.links.rates_bps(links, self.bandwidth_hz, 1.0, first_block, blocks, interference_w)
        return self.time_share * rates

    def granted(
        self, access: Access, flows: Flows, interference_w: PerLink, first_block: int, blocks: int
    ) -> tuple[NDArray[np.float64], Shares]:
        """Rates (k, blocks), and the shares of the senders' power, (k, blocks) or (k, 1), that go into them."""
        shares = access.shares(flows, first_block, blocks)
        if access.divides == "time":
            return shares * flows.alone_bps(first_block, blocks), shares * self.time_share
        return self.in_part(flows.links, shares, interference_w, first_block, blocks, uplink_power(access, flows.links))

    def in_part(
        self,
        links: NDArray[np.int64],
        shares: Shares,
        interference_w: PerLink,
        first_block: int,
        blocks: int,
        power: PerLink = 1.0,
    ) -> tuple[NDArray[np.float64], Shares]:
        """The same for shares of the band; ``power``, one or one each (k,), are those of the senders' on the uplink."""
        some = shares > 0.0
        held = np.where(some, shares, 1.0)  # a share of none is worked out as all
        band_hz, put, noise_w = self._beside(held, interference_w, power)
        rates = self.links.rates_bps(links, band_hz, put, first_block, blocks, noise_w)
        on_air = shares if self.splits_power else some * put
        return self.time_share * rates * some, self.time_share * on_air

    def lateness_s(
        self, link: int, band_share: float, interference_w: PerLink, block: int, power: PerLink = 1.0
    ) -> float:
        """How much later than it is sent the last bit of a transfer is there, if blocks are sent again.

        It was sent in that block over a share of the band, under so much interference on the whole, on the uplink with
        that share of the sender's ``power``.
        """
        if not self.links.repeats:
            return 0.0
        band_hz, put, noise_w = self._beside(np.array([[band_share or 1.0]]), interference_w, power)
        return float(self.links.delay_s(np.array([link]), band_hz, put, block, 1, noise_w)[0, 0])

    def require_hope(self, link: int, nbytes: int) -> None:
        """Refuse at once what has no chance even alone, for looking block by block would take long.

        Raises:
            TransferNeverFinishes: not even the capacity of the channel would carry this within a year.
        """
        rate_bps = self._capacity_bps.item(link)
        if nbytes * 8 > rate_bps * to_s(HORIZON_NS):
            raise hopeless(link, nbytes, rate_bps)

    @cached_property
    def _capacity_bps(self) -> NDArray[np.float64]:
        everybody = np.arange(len(self.links.mean_gain))
        capacity: NDArray[np.float64] = self.time_share * self.links.capacity_bps(everybody, self.bandwidth_hz)
        return capacity

    def _beside(self, held: Shares, interference_w: PerLink, power: PerLink) -> tuple[Shares, Shares, Shares]:
        """What goes with shares of the band that are held: Hz, share of power, and interference in watts."""
        put = held if self.splits_power else np.reshape(power, (-1, 1))
        return held * self.bandwidth_hz, put, np.reshape(interference_w, (-1, 1)) * held


def uplink_power(access: Access, links: NDArray[np.int64]) -> PerLink:
    """The parts, one or one each (k,), of its power that ``access`` has a user put into its part of the band."""
    return access.power(links) if isinstance(access, Dedicated) else 1.0


def hopeless(link: int, nbytes: int, best_bps: float) -> TransferNeverFinishes:
    """The error that says so."""
    return TransferNeverFinishes(
        f"radio: user {link} has at best {best_bps:.3g} bit/s, at which {nbytes} bytes take over a year; "
        "raise bandwidth or power, or lower cell_radius or shadowing"
    )
