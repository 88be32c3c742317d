"""How messages travel: user - radio - edge server - backhaul - cloud, stored and forwarded at the edge server."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import simpy

from channel_models.transfer import TransferNeverFinishes
from cosim.air_link import EDGE_DOWN
from cosim.attempt import Attempt
from cosim.cell import Cell
from cosim.clock import Clock, Process, to_ns
from cosim.nodes import Edge, Node, User
from cosim.parcel import Parcel
from cosim.recorder import NOBODY, Delay, Recorder, Story
from cosim.stuck import Stuck

if TYPE_CHECKING:
    from cosim.faults.repeats import Repeats
    from training.jobs import PayloadKind, Ref

_MOST_BEGINNINGS = 500
"""What gets through once in fifty times is given up wrongly with probability 4e-5."""


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
    """The cells and wires of all edge servers, indexed as they are.

    A message to or from a user takes the cell of the edge server that serves the user then. Where that changes on the
    way, what has arrived at the old one goes on from there, by the backhaul, and the rest takes the new one; a transfer
    that was cut off ``resumes`` with the first byte that has not arrived whole, or else begins again. Adapters go up in
    ``federated_uplinks``, where these are another band. ``sizes`` are bytes by kind of payload where the tensors' own
    do not count. What is lost or corrupted by radio is sent again as ``repeats`` says; the backhaul loses nothing.
    """

    clock: Clock
    recorder: Recorder
    cloud: Node
    uplinks: Sequence[Cell]
    downlinks: Sequence[Cell]
    to_cloud: Sequence[Wire]
    from_cloud: Sequence[Wire]
    federated_uplinks: Sequence[Cell] | None = None
    resumes: bool = True
    repeats: Repeats | None = None
    sizes: Mapping[PayloadKind, int] = field(default_factory=dict)

    def send(self, origin: Node, destination: Node, refs: Sequence[Ref]) -> Generator[simpy.Event, Any, None]:
        """Carry the payloads as one message, hop by hop; they are in the destination's buffers when this is over.

        A story that is cut short meanwhile leaves nothing behind.
        """
        if origin is destination:
            return _nowhere()
        return self._carry(Parcel.of(refs, self.sizes), origin, destination, refs)

    def message_bytes(self, payloads: Mapping[PayloadKind, int]) -> int:
        """Bytes of a message with these payloads, each with its tensors' bytes."""
        return sum(self.sizes.get(kind, nbytes) for kind, nbytes in payloads.items())

    def route(self, origin: Node, destination: Node) -> list[Node]:
        """The nodes on the way, as users are served now, both ends included."""
        up, down = self._towards_cloud(origin), self._towards_cloud(destination)
        while len(up) > 1 and len(down) > 1 and up[-2] is down[-2]:
            up.pop()
            down.pop()
        return [*up, *reversed(down[:-1])]

    def _towards_cloud(self, node: Node) -> list[Node]:
        if isinstance(node, User):
            return [node, node.link.serving, self.cloud]
        return [node] if node is self.cloud else [node, self.cloud]

    def _carry(
        self, parcel: Parcel, origin: Node, destination: Node, refs: Sequence[Ref] | None = None
    ) -> Generator[simpy.Event, Any, None]:
        """Carry ``parcel``; its ``refs`` leave the origin's buffers, and what lies in none takes some meanwhile.

        A part that goes on alone has no ``refs``, and needs buffers for all.
        """
        leaving = refs or ()
        unbuffered = tuple(ref for ref in leaving if not origin.holds(ref))
        ahead: tuple[Process, ...] = ()  # thousands of messages are under way, and a list takes memory even if empty
        here = origin
        try:
            while here is not destination:
                there, began_ns = self.route(here, destination)[1], self.clock.now_ns
                everything = here is not origin or refs is None
                own = parcel.buffer_bytes if everything else parcel.bytes_of(unbuffered)
                try:
                    left = yield from self._hop(here, there, parcel)
                except simpy.Interrupt:
                    here.memory.during(began_ns, self.clock.now_ns, "buffers", own)
                    raise
                here.memory.during(began_ns, self.clock.now_ns, "buffers", own)
                if left is None:
                    here = there
                    continue
                if left.first > parcel.first and there is not destination and isinstance(here, User):
                    ahead = (*ahead, self._beside(parcel.before(left.first - parcel.first), there, destination))
                parcel = left
            for process in ahead:
                yield from self.recorder.waiting(process, destination.name, "the part by another edge server")
        except simpy.Interrupt:
            for ref in leaving:
                origin.let_go(ref)
            raise
        for ref in leaving:
            origin.let_go(ref)
            destination.receive(ref)

    def _beside(self, parcel: Parcel, origin: Node, destination: Node) -> Process:
        """The way of a part that goes on alone, beside the story."""
        story = self.recorder.story
        process = self.clock.process(self._carry(parcel, origin, destination))
        self.recorder.tell(process, Story(NOBODY, story.round, story.step))
        return process

    def _hop(self, here: Node, there: Node, parcel: Parcel) -> Generator[simpy.Event, Any, Parcel | None]:
        """One hop; what is left where the user has another edge server before all is there."""
        if isinstance(here, User) and isinstance(there, Edge):
            return self._radio(self._uplink(there, parcel), here, there, here, "uplink", parcel)
        if isinstance(here, Edge) and isinstance(there, User):
            return self._radio(self.downlinks[here.index], there, here, here, "downlink", parcel)
        if isinstance(there, Edge):
            return self._wire(self.from_cloud[there.index], here, there, parcel)
        assert isinstance(here, Edge)  # for there are no other ways
        return self._wire(self.to_cloud[here.index], here, here, parcel)

    def _uplink(self, edge: Edge, parcel: Parcel) -> Cell:
        """The band that leads to the main server, or to the federated server."""
        if self.federated_uplinks is not None and parcel.refs[0].output.kind == "adapter":
            return self.federated_uplinks[edge.index]
        return self.uplinks[edge.index]

    def _radio(
        self, cell: Cell, user: User, edge: Edge, sender: Node, kind: Delay, parcel: Parcel
    ) -> Generator[simpy.Event, Any, Parcel | None]:
        """Send as long as ``edge`` serves ``user``; what is left then, if anything is."""
        left = whole = parcel
        begun = losses = 0
        while user.link.serving is edge:
            if user.link.obstacle is not None:
                yield from self._wait_for(user, sender)
                continue
            if edge.restart is not None:
                yield from self._until_up(edge, sender)
                continue
            begun += 1
            if begun > _MOST_BEGINNINGS and not self.resumes:
                raise Stuck(
                    f"radio: {kind} of {user.name}: {whole.nbytes} bytes were sent {_MOST_BEGINNINGS} times from the "
                    "first on, and cut off each time; radio.interrupted = resumes would go on where it stopped"
                )
            attempt = Attempt.begin(cell, user, sender, kind, left, self.recorder, self.clock.now_ns)
            try:
                yield attempt.over(self.clock)
            except simpy.Interrupt as cut:
                attempt.end(self.recorder, self.clock.now_ns, cut)
                raise
            sent = attempt.end(self.recorder, self.clock.now_ns)
            if sent is not None:
                left = left.after(sent) if self.resumes else whole
                continue
            again = None if self.repeats is None else self.repeats.after(user.index, kind, whole.nbytes, losses)
            if again is None:
                return None
            left = whole = whole.again(again.nbytes)
            begun, losses = 0, losses + again.lost
            if again.lost:
                yield from self._notice(again.wait_s, sender)
            if again.given_up:
                raise simpy.Interrupt("message lost for good")
        return left

    def _notice(self, after_s: float, sender: Node) -> Generator[simpy.Event, Any, None]:
        """Wait in vain for an acknowledgement."""
        overdue = self.clock.at(self.clock.now_ns + to_ns(after_s))
        yield from self.recorder.waiting(overdue, sender.name, "message lost")

    def _wait_for(self, user: User, sender: Node) -> Generator[simpy.Event, Any, None]:
        """Wait until anything about the user's link has changed."""
        obstacle = str(user.link.obstacle)
        if user.link.is_lost and not self.recorder.story.ends:
            raise TransferNeverFinishes(
                f"radio: from {self.clock.now_s:g} s on {user.name} is never reached again ({obstacle}), and a message "
                "waits for it; a deadline (scheme.deadline) would leave it out"
            )
        link = user.link
        yield from self.recorder.waiting(link.changed, sender.name, obstacle, outside=not link.is_lost)

    def _until_up(self, edge: Edge, sender: Node) -> Generator[simpy.Event, Any, None]:
        """Wait until the edge server runs again."""
        assert edge.restart is not None  # it is down
        yield from self.recorder.waiting(edge.restart, sender.name, EDGE_DOWN, outside=edge.restarts)

    def _wire(self, wire: Wire, sender: Node, edge: Edge, parcel: Parcel) -> Generator[simpy.Event, object, None]:
        while edge.restart is not None:
            yield from self._until_up(edge, sender)
        now = self.clock.now_ns
        start, sent, arrived = wire.schedule(now, parcel.nbytes)
        self.recorder.waited(now, start, sender.name, "backhaul busy")
        common: dict[str, Any] = {"node": sender.name, "kind": "backhaul"}
        carried: dict[str, Any] = {**common, **replace(parcel, repeated=False).columns}
        self.recorder.add(start_ns=start, end_ns=sent, act="transmitting", **carried)
        self.recorder.add(start_ns=sent, end_ns=arrived, act="propagating", **common)
        yield self.clock.at(arrived)


def _nowhere() -> Generator[simpy.Event, Any, None]:
    """The way from a node to itself."""
    yield from ()
