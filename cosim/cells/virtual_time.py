"""A cell in which n transfers at a time have 1/n of a constant rate each: an end is known in virtual time."""

from __future__ import annotations

import heapq
import math

import numpy as np

from channel_models.links import PerLink
from channel_models.transfer import SLACK_NS
from cosim.cell import HORIZON_NS, Transfer, arrive
from cosim.cells.air import Air, hopeless
from cosim.cells.plan import Plan
from cosim.clock import NS_PER_S, Clock, to_ns, to_s

_HORIZON_S = to_s(HORIZON_NS)
_LINKS_AT_ONCE = 256


class VirtualTimeCell:
    """Processor sharing at rates that depend on the link and on how many share, in no other way.

    That is so without fading or movement under constant interference, where the time is shared, or the band together
    with the power: then an nth of the cell gives an nth of the rate. Virtual time passes at 1/n; a transfer ends when
    as much of it has passed as it would take alone, whoever comes and goes, and a change costs O(log n). A. Parekh and
    R. Gallager, "A generalized processor sharing approach to flow control", 1993.
    """

    def __init__(self, *, clock: Clock, air: Air, interference_w: PerLink) -> None:
        self._clock = clock
        self._air = air
        self._interference_w = interference_w
        self._alone_bps: dict[int, float] = {}
        self._heap: list[tuple[float, int, Transfer]] = []  # by virtual end, then by beginning; stopped ones stay
        self._began_s: dict[Transfer, tuple[float, float]] = {}  # virtual beginning and end of those under way
        self._begun = 0
        self._virtual_s = 0.0
        self._since_ns = 0
        self._plan = Plan(clock, self._look_ahead)

    def begin(self, link: int, nbytes: int) -> Transfer:
        """See ``Cell.begin``."""
        bits, rate_bps = nbytes * 8.0, self._rate_bps(link)
        if bits > rate_bps * _HORIZON_S:
            raise hopeless(link, nbytes, rate_bps)
        self._advance()
        transfer = Transfer(link=link, done=self._clock.event(), remaining_bits=bits)
        end_s = self._virtual_s + (bits / rate_bps if bits else 0.0)
        self._began_s[transfer] = self._virtual_s, end_s
        heapq.heappush(self._heap, (end_s, self._begun, transfer))
        self._begun += 1
        self._plan.change()
        return transfer

    def stop(self, transfer: Transfer) -> None:
        """See ``Cell.stop``."""
        transfer.stopped = True
        if transfer in self._began_s:
            self._advance()
            self._take_off(transfer)
            self._plan.change()

    def _rate_bps(self, link: int) -> float:
        """What the link has alone."""
        if link not in self._alone_bps:
            first = link - link % _LINKS_AT_ONCE
            some = np.arange(first, min(first + _LINKS_AT_ONCE, len(self._air.links.mean_gain)))
            rates = self._air.alone_bps(some, self._interference_w, 0, 1)[:, 0]
            self._alone_bps.update(zip(some.tolist(), rates.tolist(), strict=True))
        return self._alone_bps[link]

    def _advance(self) -> None:
        now_ns = self._clock.now_ns
        if self._began_s:
            self._virtual_s += (now_ns - self._since_ns) / NS_PER_S / len(self._began_s)
        self._since_ns = now_ns

    def _look_ahead(self) -> None:
        """Arrange the next completion."""
        while self._heap and self._heap[0][2].stopped:
            heapq.heappop(self._heap)
        if self._heap:
            self._plan.at(self._since_ns + self._until(self._heap[0][0]), self._complete)

    def _until(self, end_s: float) -> int:
        """Nanoseconds until so much virtual time has passed, should nothing change."""
        needed_ns = (end_s - self._virtual_s) * len(self._began_s) * NS_PER_S
        return max(0, math.ceil(needed_ns - SLACK_NS))

    def _complete(self) -> None:
        self._advance()
        end_s = max(self._heap[0][0], self._virtual_s)
        while self._heap and self._heap[0][0] <= end_s:
            transfer = heapq.heappop(self._heap)[2]
            if not transfer.stopped:
                self._take_off(transfer)
                transfer.remaining_bits = 0.0
                arrive(self._clock, transfer, self._lateness_ns(transfer.link))
        if not self._began_s:
            self._virtual_s = 0.0  # so that no rounding accumulates over busy periods
            self._heap.clear()
        self._plan.change()

    def _take_off(self, transfer: Transfer) -> None:
        """Make up the account of a transfer that leaves."""
        began_s, end_s = self._began_s.pop(transfer)
        transfer.remaining_bits = max(0.0, end_s - self._virtual_s) * self._rate_bps(transfer.link)
        power_w = float(self._air.links.transmit_power_w[transfer.link])
        transfer.energy_j = power_w * self._air.time_share * (min(self._virtual_s, end_s) - began_s)

    def _lateness_ns(self, link: int) -> int:
        if not self._air.links.repeats:
            return 0
        return to_ns(self._air.lateness_s(link, 1.0, self._interference_w, 0))
