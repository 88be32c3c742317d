"""Users who come and go, and links that break and heal: what stands in the way of messages, and when."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
import simpy

from cosim.recorder import Happening

if TYPE_CHECKING:
    from channel_models.availability import Availability
    from cosim.nodes import User

REASONS: dict[Happening, str] = {"absence": "user away", "outage": "link broken"}
"""What is said of those who then wait."""


def come_and_go(user: User, availability: Availability, kind: Happening) -> Generator[simpy.Event, object, None]:
    """Block the user's link while it is not on, one event a change; computing goes on, as a phone does out of reach."""
    clock, recorder = user.services.clock, user.services.recorder
    on = bool(availability.is_on(np.array([user.index]), np.array([clock.now_ns]))[0, 0])
    while True:
        change_ns = availability.next_change_ns(user.index, clock.now_ns)
        if not on:
            until = "for ever" if change_ns is None else ""
            recorder.happened(clock.now_ns, change_ns or clock.now_ns, user.name, kind, until)
            user.link.block(REASONS[kind], change_ns)
        if change_ns is None:
            return
        yield clock.at(change_ns)
        on = not on
