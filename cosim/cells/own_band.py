"""The lanes of users who have a fixed part of the band each: rates added up page by page."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from channel_models.transfer import GENEROSITY, PATIENCE_BLOCKS, SLACK_NS
from cosim.access.dedicated import Dedicated
from cosim.cell import HORIZON_NS
from cosim.cells.air import Air, hopeless
from cosim.clock import NS_PER_S, to_s

_PAGE_BLOCKS = 1024
_LEAD_PAGES = 4  # by which one may look further ahead than another who is there at the same time
_KEPT_PAGES = 512  # eight megabytes
_PATIENCE_PAGES = PATIENCE_BLOCKS // _PAGE_BLOCKS
_ROUNDING = 1e-12  # relative, of a sum over a page


class OwnBand:
    """What a part of the band carries is a function of time: each page knows its bits by the edges of its blocks.

    The rates of all who were in the page before are looked up together.
    """

    def __init__(self, *, air: Air, access: Dedicated, interference_w: float) -> None:
        self._air = air
        self._access = access
        self._interference_w = interference_w
        self._pages: dict[tuple[int, int], NDArray[np.float64]] = {}  # bits by each edge, (_PAGE_BLOCKS + 1,)
        self._latest: dict[int, int] = {}  # page of each link
        self._page_ns = _PAGE_BLOCKS * air.block_ns

    @property
    def on_air_w(self) -> NDArray[np.float64]:
        """What the sender radiates for each link while it carries something."""
        power_w = self._air.links.transmit_power_w
        parts_of = self._access.part if self._air.splits_power else self._access.power
        radiated: NDArray[np.float64] = power_w * parts_of(np.arange(len(power_w))) * self._air.time_share
        return radiated

    def end_ns(self, link: int, start_ns: int, bits: int) -> int:
        """See ``Lanes.end_ns``. TransferNeverFinishes where not even the capacity would carry so much in a year, or
        after a million blocks not even a multiple of the pace so far."""
        if bits <= 0:
            return start_ns
        self._air.require_hope(link, bits // 8)
        number, into_ns = divmod(start_ns, self._page_ns)
        edges = self._page(link, number)
        first, missing = number, bits + self._by(edges, into_ns)
        while missing * (1.0 - _ROUNDING) > edges[-1]:
            missing -= float(edges[-1])
            number += 1
            if number * self._page_ns > start_ns + HORIZON_NS:
                return number * self._page_ns
            if number - first == _PATIENCE_PAGES:
                self._require_pace(link, bits, bits - missing)
            edges = self._page(link, number)
        return max(start_ns, number * self._page_ns + self._until(edges, missing))

    def _require_pace(self, link: int, bits: int, sent: float) -> None:
        """Raise TransferNeverFinishes if so little was sent so far that even a better pace would take over a year."""
        best_bps = GENEROSITY * sent / to_s(_PATIENCE_PAGES * self._page_ns)
        if best_bps * to_s(HORIZON_NS) < bits:
            raise hopeless(link, bits // 8, best_bps)

    def bits_between(self, link: int, start_ns: int, end_ns: int) -> float:
        """See ``Lanes.bits_between``."""
        first, last = start_ns // self._page_ns, end_ns // self._page_ns
        whole = sum(float(self._page(link, number)[-1]) for number in range(first, last))
        before = self._by(self._page(link, first), start_ns - first * self._page_ns)
        return whole + self._by(self._page(link, last), end_ns - last * self._page_ns) - before

    def lateness_s(self, link: int, end_ns: int) -> float:
        """How much later than it is sent, at that instant, a link's last bit is there."""
        if not self._air.links.repeats:
            return 0.0
        block, who = max(end_ns - 1, 0) // self._air.block_ns, np.array([link])
        part, power = float(self._access.part(who)[0]), self._access.power(who)
        return self._air.lateness_s(link, part, self._interference_w, block, power)

    def _by(self, edges: NDArray[np.float64], into_ns: int) -> float:
        """Bits from the beginning of a page until ``into_ns``."""
        block, rest_ns = divmod(into_ns, self._air.block_ns)
        bits = edges.item(block)
        return bits + (edges.item(block + 1) - bits) * rest_ns / self._air.block_ns

    def _until(self, edges: NDArray[np.float64], bits: float) -> int:
        """The first tick of a page by which it has carried so much."""
        block = int(edges.searchsorted(bits * (1.0 - _ROUNDING))) - 1
        before = edges.item(block)
        ticks = (bits - before) / (edges.item(block + 1) - before) * self._air.block_ns
        return block * self._air.block_ns + min(math.ceil(ticks - SLACK_NS), self._air.block_ns)

    def _page(self, link: int, number: int) -> NDArray[np.float64]:
        self._latest[link] = number
        found = self._pages.get((link, number))
        if found is None:
            there = [other for other, latest in self._latest.items() if latest >= number - _LEAD_PAGES]
            self._look_up([other for other in there if (other, number) not in self._pages], number)
            found = self._pages[link, number]
        return found

    def _look_up(self, links: list[int], number: int) -> None:
        who = np.array(links)
        shares = self._access.part(who)[:, None]
        first, power = number * _PAGE_BLOCKS, self._access.power(who)
        rates, _ = self._air.in_part(who, shares, self._interference_w, first, _PAGE_BLOCKS, power)
        edges = np.zeros((len(links), _PAGE_BLOCKS + 1))
        np.cumsum(rates * (self._air.block_ns / NS_PER_S), axis=1, out=edges[:, 1:])
        self._pages.update({(link, number): row for link, row in zip(links, edges, strict=True)})
        while len(self._pages) > max(_KEPT_PAGES, 2 * len(links)):
            del self._pages[next(iter(self._pages))]
