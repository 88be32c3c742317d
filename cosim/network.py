"""How messages travel: user - radio - edge server - backhaul - cloud, stored and forwarded at the edge server."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import simpy

from cosim.cell import Cell
from cosim.clock import Clock, to_ns
from cosim.nodes import Edge, Node, User
from cosim.recorder import Kind, Recorder

if TYPE_CHECKING:
    from training.jobs import Ref


@dataclass(kw_only=True, eq=False)
class Wire:
    """One direction of a backhaul link: messages go out one after another, and arrive a latency later."""

    rate_bps: float
    latency_s: float
    _free_at_ns: int = field(default=0)

    def schedule(self, now_ns: int, nbytes: int) -> tuple[int, int, int]:
        """When a message that is ready now starts, is sent, and has arrived, in nanoseconds."""
        start = max(now_ns, self._free_at_ns)
        sent = self._free_at_ns = start + to_ns(nbytes * 8 / self.rate_bps)
        return start, sent, sent + to_ns(self.latency_s)


@dataclass(kw_only=True, eq=False)
class Network:
    """The cells and wires of all edge servers, indexed as they are."""

    clock: Clock
    recorder: Recorder
    cloud: Node
    uplinks: Sequence[Cell]
    downlinks: Sequence[Cell]
    to_cloud: Sequence[Wire]
    from_cloud: Sequence[Wire]

    def send(self, origin: Node, destination: Node, refs: Sequence[Ref]) -> Generator[simpy.Event, object, None]:
        """Carry the payloads as one message, hop by hop; they are in the destination's buffers when this is over."""
        path = self.route(origin, destination)
        if len(path) == 1:
            return
        for here, there in pairwise(path):
            began = self.clock.now_ns
            own = [ref for ref in refs if here is not origin or not origin.holds(ref)]
            yield from self._hop(here, there, refs)
            here.memory.during(began, self.clock.now_ns, "buffers", sum(ref.nbytes for ref in own))
        for ref in refs:
            origin.let_go(ref)
            destination.receive(ref)

    def route(self, origin: Node, destination: Node) -> list[Node]:
        """The nodes on the way, both ends included."""
        up, down = self._towards_cloud(origin), self._towards_cloud(destination)
        while len(up) > 1 and len(down) > 1 and up[-2] is down[-2]:
            up.pop()
            down.pop()
        return [*up, *reversed(down[:-1])]

    def _towards_cloud(self, node: Node) -> list[Node]:
        if isinstance(node, User):
            return [node, node.edge, self.cloud]
        return [node] if node is self.cloud else [node, self.cloud]

    def _hop(self, here: Node, there: Node, refs: Sequence[Ref]) -> Generator[simpy.Event, object, None]:
        if isinstance(here, User) and isinstance(there, Edge):
            yield from self._radio(self.uplinks[there.index], here.index, here, "uplink", refs)
        elif isinstance(here, Edge) and isinstance(there, User):
            yield from self._radio(self.downlinks[here.index], there.index, here, "downlink", refs)
        elif isinstance(here, Edge):
            yield from self._wire(self.to_cloud[here.index], here, refs)
        elif isinstance(there, Edge):
            yield from self._wire(self.from_cloud[there.index], here, refs)

    def _radio(
        self, cell: Cell, link: int, sender: Node, kind: Kind, refs: Sequence[Ref]
    ) -> Generator[simpy.Event, object, None]:
        start, story = self.clock.now_ns, self.recorder.story
        energy_j: Any = yield cell.begin(link, sum(ref.nbytes for ref in refs)).done
        self.recorder.add(
            story,
            start_ns=start,
            end_ns=self.clock.now_ns,
            node=sender.name,
            act="transmitting",
            kind=kind,
            energy_j=energy_j,
            **_carried(refs),
        )

    def _wire(self, wire: Wire, sender: Node, refs: Sequence[Ref]) -> Generator[simpy.Event, object, None]:
        now = self.clock.now_ns
        start, sent, arrived = wire.schedule(now, sum(ref.nbytes for ref in refs))
        self.recorder.waited(now, start, sender.name, "backhaul busy")
        common: dict[str, Any] = {"node": sender.name, "kind": "backhaul"}
        self.recorder.add(start_ns=start, end_ns=sent, act="transmitting", **common, **_carried(refs))
        self.recorder.add(start_ns=sent, end_ns=arrived, act="propagating", **common)
        yield self.clock.at(arrived)


def _carried(refs: Sequence[Ref]) -> dict[str, Any]:
    """Bytes by kind of payload, as the record's columns."""
    columns: dict[str, int] = {}
    for ref in refs:
        if ref.output.kind is None:
            raise ValueError(f"{ref.name!r} is not a payload and cannot be sent")
        column = f"{ref.output.kind}_bytes"
        columns[column] = columns.get(column, 0) + ref.nbytes
    return columns
