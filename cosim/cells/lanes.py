"""A cell whose transfers do not depend on each other: each user has a lane of its own."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from channel_models.transfer import TransferNeverFinishes
from cosim.cell import HORIZON_NS, Transfer, arrive
from cosim.clock import Clock, to_ns, to_s


class Lanes(Protocol):
    """How much each link carries, with random access in time."""

    def end_ns(self, link: int, start_ns: int, bits: int) -> int:
        """The first nanosecond by which ``bits`` have come since ``start_ns``."""
        ...

    def bits_between(self, link: int, start_ns: int, end_ns: int) -> Fraction | float:
        """Bits carried in [start_ns, end_ns)."""
        ...


@dataclass(kw_only=True, eq=False)
class LaneCell:
    """Each user's messages go one after another over its lane: one event a transfer, planned once.

    ``on_air_w`` (links,) is what the sender radiates for a link while it carries something; ``lateness_s`` says how
    much later than it is sent, at a given instant, a link's last bit is there.
    """

    clock: Clock
    lanes: Lanes
    on_air_w: NDArray[np.float64]
    lateness_s: Callable[[int, int], float] = lambda _link, _end_ns: 0.0
    _queues: dict[int, deque[Transfer]] = field(default_factory=lambda: defaultdict(deque), init=False)
    _since_ns: dict[int, int] = field(default_factory=dict, init=False)
    _switches: int = field(default=0, init=False)

    def begin(self, link: int, nbytes: int) -> Transfer:
        """See ``Cell.begin``."""
        transfer = Transfer(link=link, done=self.clock.event(), remaining_bits=nbytes * 8)
        queue = self._queues[link]
        queue.append(transfer)
        if len(queue) == 1:
            self._start(transfer)
        return transfer

    def stop(self, transfer: Transfer) -> None:
        """See ``Cell.stop``."""
        transfer.stopped = True
        queue = self._queues.get(transfer.link)
        if queue is None or transfer not in queue:
            return
        under_way = queue[0] is transfer
        queue.remove(transfer)
        if under_way:
            self._cut(transfer)
            self._next(transfer.link)

    def switch(self, lanes: Lanes, on_air_w: NDArray[np.float64], lateness_s: Callable[[int, int], float]) -> None:
        """From now on others carry what is under way, and all that comes."""
        for queue in self._queues.values():
            self._cut(queue[0])
        self.lanes, self.on_air_w, self.lateness_s = lanes, on_air_w, lateness_s
        self._switches += 1
        for queue in self._queues.values():
            self._start(queue[0])

    def _start(self, transfer: Transfer) -> None:
        link, now_ns = transfer.link, self.clock.now_ns
        self._since_ns[link] = now_ns
        end_ns = self.lanes.end_ns(link, now_ns, ceil(transfer.remaining_bits))
        if end_ns > now_ns + HORIZON_NS:
            raise TransferNeverFinishes(
                f"radio: the transfer of user {link} would take over a year, having {transfer.remaining_bits} bits"
            )
        switches = self._switches
        self.clock.at(end_ns, lambda: self._complete(transfer) if switches == self._switches else None)

    def _complete(self, transfer: Transfer) -> None:
        if transfer.stopped:
            return
        self._spend(transfer)
        self._queues[transfer.link].popleft()
        transfer.remaining_bits = 0.0
        late_ns = to_ns(self.lateness_s(transfer.link, self.clock.now_ns))
        self._next(transfer.link)
        arrive(self.clock, transfer, late_ns)

    def _cut(self, transfer: Transfer) -> None:
        """Make up the account of one that is under way."""
        carried = self.lanes.bits_between(transfer.link, self._since_ns[transfer.link], self.clock.now_ns)
        transfer.remaining_bits = max(0.0, float(transfer.remaining_bits - carried))
        self._spend(transfer)

    def _spend(self, transfer: Transfer) -> None:
        """The energy since it began, or was last cut."""
        seconds = to_s(self.clock.now_ns - self._since_ns[transfer.link])
        transfer.energy_j += float(self.on_air_w[transfer.link]) * seconds

    def _next(self, link: int) -> None:
        """Let the next one of a link begin."""
        queue = self._queues[link]
        if queue:
            self._start(queue[0])
        else:
            del self._queues[link]
