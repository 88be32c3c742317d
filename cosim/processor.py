"""What a node computes with: jobs wait in one queue, first come first served."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapreplace
from typing import TYPE_CHECKING

from cosim.clock import to_ns

if TYPE_CHECKING:
    from cosim.devices import TimeModel


@dataclass(kw_only=True, slots=True)
class Processor:
    """How fast a node computes, at how many ``jobs`` at a time, and what power each of them draws."""

    time: TimeModel
    power_w: float
    jobs: int = 1
    _free_at_ns: list[int] = field(init=False, compare=False)  # a heap, an instant for each place

    def __post_init__(self) -> None:
        self._free_at_ns = [0] * self.jobs

    def seize(self, now_ns: int, flops: float) -> tuple[int, int]:
        """When a job that is ready now begins and ends, on the place that is free first; none comes before it."""
        start_ns = max(now_ns, self._free_at_ns[0])
        end_ns = start_ns + to_ns(self.time.seconds(flops))
        heapreplace(self._free_at_ns, end_ns)
        return start_ns, end_ns
