"""Users, edge servers and the cloud: places with a processor, a memory and a share of the work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

import simpy

from cosim.air_link import AirLink
from cosim.clock import Clock, Process, to_s
from cosim.memory import Ledger, Memory
from cosim.presence import REASONS
from cosim.processor import Processor
from cosim.recorder import Kind, Recorder
from training.jobs import HELD, PayloadKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from training.adapters import Part
    from training.jobs import Job, Ref
    from training.runtime import Runtime

Role = Literal["user", "edge", "cloud"]

_MESSAGES = frozenset[PayloadKind | None]({"activation", "gradient", "label"})
"""What is made to be sent; an adapter is sent from where it is in use."""

_COMPUTE_KIND: dict[Role, Kind] = {"user": "user_compute", "edge": "edge_compute", "cloud": "cloud_compute"}


@dataclass(frozen=True, kw_only=True)
class Services:
    """What every node of a run uses."""

    clock: Clock
    recorder: Recorder
    ledger: Ledger
    runtime: Runtime


@dataclass(kw_only=True, eq=False, slots=True)
class Node:
    """A place that computes: a FIFO queue before its processor, one memory, of ``memory_bytes`` if that is limited."""

    role: ClassVar[Role]
    name: str
    processor: Processor
    services: Services
    memory_bytes: float | None = None
    memory: Memory = field(init=False)
    _buffers: dict[Ref, int] = field(default_factory=dict)
    _kept: dict[Ref, tuple[int, int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.memory = self.services.ledger.memory(self.name)

    def host(self, part: Part, nbytes: int) -> None:
        """Hold the frozen weights of ``part`` from now on."""
        self.memory.settle(self.services.clock.now_ns, part, _weights(nbytes))

    def put_away(self, part: Part, *lineages: str) -> None:
        """Move the frozen weights of ``part`` and what is held of ``lineages`` from memory to storage.

        Both are held again from the next ``host`` and the next step on.
        """
        self.memory.release(self.services.clock.now_ns, part)
        for lineage in lineages:
            self.memory.release(self.services.clock.now_ns, lineage)

    def compute(self, job: Job) -> simpy.Event:
        """Queue ``job`` here, first come first served; the event is its completion, when its values exist.

        A job without work, such as taking over received weights, does not queue.
        """
        start = end = now = self.services.clock.now_ns
        if job.cost.flops:
            start, end = self.processor.seize(now, job.cost.flops)
        self.services.recorder.waited(now, start, self.name, f"{self.name} busy")
        self.services.recorder.add(
            start_ns=start,
            end_ns=end,
            node=self.name,
            act="computing",
            kind=_COMPUTE_KIND[self.role],
            reason=self.processor.slowed(job.cost.flops, end - start),
            flops=job.cost.flops,
            energy_j=self.processor.power_w * to_s(end - start),
        )
        self._remember(job, start, end)
        job.inputs = ()  # else what it replaces would be in memory as long as it takes
        return self.services.clock.at(end, lambda: self.services.runtime.reached(job))

    def receive(self, ref: Ref) -> None:
        """Keep what has arrived in a buffer, until a job here has read it; a model goes to storage as it comes in."""
        if ref.output.kind == "model":
            return
        self.memory.change(self.services.clock.now_ns, "buffers", ref.nbytes)
        self._buffers[ref] = self._buffers.get(ref, 0) + ref.nbytes

    def holds(self, ref: Ref) -> bool:
        """Whether sending ``ref`` needs no further buffer: it lies in one, in storage, or is an adapter in use here."""
        in_use = ref.output.kind == "adapter" and ref.output.whole_bytes is None
        return ref in self._buffers or in_use or ref.output.kind == "model"

    def let_go(self, ref: Ref) -> None:
        """Free the buffer of what came in and has been sent on."""
        self.memory.change(self.services.clock.now_ns, "buffers", -self._emptied(ref))

    def abandon(self, job: Job) -> None:
        """Free what is kept for a backward of ``job`` that will never come, as soon as ``job`` is over."""
        if job.cost.keeps and job[HELD] in self._kept:
            self._free(job[HELD], self.services.clock.now_ns)

    def _free(self, held: Ref, instant_ns: int) -> None:
        """Free what was kept for a backward, at ``instant_ns`` or when its forward has ended."""
        saved, arrived, end_ns = self._kept.pop(held)
        if not self._kept:
            self._kept.clear()
        self.memory.change(max(instant_ns, end_ns), "activations", -saved)
        self.memory.change(max(instant_ns, end_ns), "buffers", -arrived)

    def _emptied(self, ref: Ref) -> int:
        """Bytes of the buffer of ``ref``, which is no more."""
        nbytes = self._buffers.pop(ref, 0)
        if not self._buffers:
            self._buffers.clear()  # of thousands of users, each would keep room for eight
        return nbytes

    def _remember(self, job: Job, start_ns: int, end_ns: int) -> None:
        """Account for memory: training state for good, activations until they are used, the rest while the job runs.

        What it is to send takes its buffer from the beginning. What has arrived compressed lies in its buffer as it
        came, and beside it restored as long as the job runs.
        """
        cost, memory = job.cost, self.memory
        memory.settle(start_ns, job.lineage, cost.resident_bytes)
        restored = sum(ref.output.whole_bytes or 0 for ref in job.inputs) if cost.flops else 0
        memory.during(start_ns, end_ns, "transient", cost.transient_bytes + restored)
        memory.during(start_ns, end_ns, "buffers", sum(o.nbytes for o in job.outputs.values() if o.kind in _MESSAGES))
        memory.change(start_ns, "activations", cost.saved_bytes)
        received = sum(self._emptied(ref) for ref in job.inputs)
        if cost.keeps:  # the backward needs what has arrived, too
            self._kept[job[HELD]] = (cost.saved_bytes, received, end_ns)
        else:
            memory.change(end_ns, "activations", -cost.saved_bytes)
            memory.change(end_ns, "buffers", -received)
        for ref in job.inputs:
            if ref.name == HELD:
                self._free(ref, end_ns)


@dataclass(kw_only=True, eq=False, slots=True)
class Edge(Node):
    """An edge server; ``index`` counts edges."""

    role = "edge"
    index: int
    restart: simpy.Event | None = field(init=False, default=None)
    restarts: bool = field(init=False, default=True)

    def go_down(self, until_ns: int | None) -> None:
        """It is down until then, if not for ever; ``restart`` happens when it is up again."""
        clock = self.services.clock
        self.restart, self.restarts = clock.event(), until_ns is not None
        if until_ns is not None:
            clock.at(until_ns, self._come_up, background=True)

    def _come_up(self) -> None:
        assert self.restart is not None  # it went down
        restarted, self.restart = self.restart, None
        restarted.succeed()


@dataclass(kw_only=True, eq=False, slots=True)
class User(Node):
    """A user: the rows of the training sequences it holds, and the edge server that computes for it, its home.

    Which edge server carries its messages is said by its ``link``: at first its home, and another where it has gone to.
    ``rank`` is the most that a matrix of its adapter has; None for the model's. ``acting`` tells its story.
    """

    role = "user"
    index: int
    edge: Edge
    rows: NDArray[np.int64]
    rank: int | None = None
    link: AirLink = field(init=False)
    acting: Process | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        Node.__post_init__(self)  # no super(): slots make another class of this one
        self.link = AirLink(self.services.clock, self.edge)

    @property
    def samples(self) -> int:
        """Number of training sequences, the weight in FedAvg."""
        return len(self.rows)

    @property
    def is_off(self) -> bool:
        """Whether its device is off."""
        return self.link.is_blocked_by(REASONS["dropout"])

    def stop(self, cause: str) -> None:
        """What the user does is lost, but for what its processor has begun."""
        if self.acting is not None and self.acting.is_alive:
            assert self.acting.story is not None  # as whoever told it has seen to
            self.services.recorder.cut_short(self.acting.story)
            self.acting.interrupt(cause)


class Cloud(Node):
    """The cloud; it also plays the federated server."""

    role = "cloud"


@lru_cache  # thousands of users hold as much: one object for all of them
def _weights(nbytes: int) -> Mapping[str, int]:
    return {"weights": nbytes}
