"""Nodes that are slower for a while, or stand still: how long work takes then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from channel_models.availability import Availability
from cosim.clock import to_s
from cosim.stuck import Stuck


@dataclass(frozen=True, kw_only=True)
class Pace:
    """While ``node``, number ``who`` in ``steady``, is not on there, its work takes ``factor`` times as long.

    An infinite factor is a stop: work goes on where it was when the node is on again.
    """

    node: str
    who: int
    steady: Availability
    factor: float

    def end_ns(self, start_ns: int, work_ns: int) -> int:
        """When work is done that begins at ``start_ns`` and takes ``work_ns`` at the full pace.

        Raises:
            Stuck: the node stands still for ever before that.
        """
        if not work_ns:
            return start_ns
        now_ns, left_ns = start_ns, float(work_ns)
        full = bool(self.steady.is_on(np.array([self.who]), np.array([start_ns]))[0, 0])
        while True:
            change_ns, slow = self.steady.next_change_ns(self.who, now_ns), 1.0 if full else self.factor
            if change_ns is None and slow == np.inf:
                raise Stuck(f"{self.node} stands still for ever from {to_s(now_ns):g} s on, and work waits for it")
            if change_ns is None or left_ns * slow <= change_ns - now_ns:
                return now_ns + round(left_ns * slow)
            left_ns -= (change_ns - now_ns) / slow
            now_ns, full = change_ns, not full
