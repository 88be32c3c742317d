"""Users who come and go, links and devices that fail and come back: what stands in the way of messages, and when."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import simpy

from cosim.air_link import EDGE_DOWN
from cosim.recorder import Happening

if TYPE_CHECKING:
    from channel_models.availability import Availability
    from cosim.nodes import Edge, User

REASONS: dict[Happening, str] = {
    "absence": "user away",
    "outage": "link broken",
    "dropout": "device off",
    "crash": EDGE_DOWN,
}
"""What is said of those who then wait."""


def come_and_go(user: User, availability: Availability, kind: Happening) -> Generator[simpy.Event, object, None]:
    """Block the user's link while it is not on, one event a change.

    Computing goes on, as a phone does out of reach; but not if the device itself is off: then what it does is lost.
    """

    def off(until_ns: int | None) -> None:
        user.link.block(REASONS[kind], until_ns)
        if kind == "dropout":
            user.stop(REASONS[kind])

    return _watch(user, user.index, availability, kind, off)


def crash_and_restart(
    edge: Edge, users: Sequence[User], availability: Availability, crashed: Callable[[Edge], None]
) -> Generator[simpy.Event, object, None]:
    """While the edge server is down nothing goes through it; it has ``crashed``, with all that it held in memory."""

    def off(until_ns: int | None) -> None:
        edge.go_down(until_ns)
        for user in users:
            if user.link.serving is edge:
                user.link.block(REASONS["crash"], until_ns)
        crashed(edge)

    return _watch(edge, edge.index, availability, "crash", off)


def _watch(
    node: User | Edge,
    number: int,
    availability: Availability,
    kind: Happening,
    off: Callable[[int | None], None],
) -> Generator[simpy.Event, object, None]:
    """Call ``off`` whenever the node's state changes to that."""
    clock, recorder = node.services.clock, node.services.recorder
    on = bool(availability.is_on(np.array([number]), np.array([clock.now_ns]))[0, 0])
    while True:
        change_ns = availability.next_change_ns(number, clock.now_ns)
        if not on:
            until = "for ever" if change_ns is None else ""
            recorder.happened(clock.now_ns, change_ns or clock.now_ns, node.name, kind, until)
            off(change_ns)
        if change_ns is None:
            return
        yield clock.at(change_ns, background=True)
        recorder.require_progress()
        on = not on
