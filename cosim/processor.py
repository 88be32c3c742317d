"""What a node computes with: jobs wait in one queue, first come first served."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapreplace
from typing import TYPE_CHECKING

from cosim.clock import to_ns

if TYPE_CHECKING:
    from cosim.devices import TimeModel
    from cosim.faults.pace import Pace


@dataclass(kw_only=True, slots=True)
class Processor:
    """How fast a node computes, at how many ``jobs`` at a time, and what power each of them draws as long as it lasts.

    A ``pace`` says when it is slower than that.
    """

    time: TimeModel
    power_w: float
    jobs: int = 1
    pace: Pace | None = None
    _free_at_ns: list[int] = field(init=False, compare=False)  # a heap, an instant for each place

    def __post_init__(self) -> None:
        self._free_at_ns = [0] * self.jobs

    def seize(self, now_ns: int, flops: float) -> tuple[int, int]:
        """When a job that is ready now begins and ends, on the place that is free first; none comes before it."""
        start_ns = max(now_ns, self._free_at_ns[0])
        work_ns = to_ns(self.time.seconds(flops))
        end_ns = start_ns + work_ns if self.pace is None else self.pace.end_ns(start_ns, work_ns)
        heapreplace(self._free_at_ns, end_ns)
        return start_ns, end_ns

    def slowed(self, flops: float, took_ns: int) -> str:
        """What is said of work that took longer than at the full pace; nothing of other work."""
        return "slowed down" if self.pace is not None and took_ns > to_ns(self.time.seconds(flops)) else ""
