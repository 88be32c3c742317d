"""The append-only record of what took time, from which every table and figure derives."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any, Literal

import simpy

from cosim.clock import Clock

Act = Literal["waiting", "computing", "transmitting", "propagating"]
Kind = Literal["user_compute", "edge_compute", "cloud_compute", "uplink", "downlink", "backhaul", "waiting"]

KINDS: tuple[Kind, ...] = (
    "user_compute",
    "edge_compute",
    "cloud_compute",
    "uplink",
    "downlink",
    "backhaul",
    "waiting",
)
"""What a delay can be; every simulated second of every user is one of these."""

EVERYBODY = -1
"""The user of an activity that all users wait for."""
NOBODY = -2
"""The user of an activity beside the users' paths, such as a server's exchange with the federated server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """One stretch of time with a name. Times in nanoseconds; ``user`` is whose delay it is."""

    start_ns: int
    end_ns: int
    node: str
    act: Act
    kind: Kind
    user: int
    round: int
    step: int
    reason: str = ""
    flops: int = 0
    energy_j: float = 0.0
    activation_bytes: int = 0
    gradient_bytes: int = 0
    adapter_bytes: int = 0
    label_bytes: int = 0
    model_bytes: int = 0

    @property
    def bytes(self) -> int:
        """All that was carried."""
        return self.activation_bytes + self.gradient_bytes + self.adapter_bytes + self.label_bytes + self.model_bytes


@dataclass(slots=True)
class Story:
    """Whose delay the running process is: set by the scheme, read by whatever takes time inside it."""

    user: int = EVERYBODY
    round: int = 0
    step: int = 0


class Recorder:
    """Collects activities, each ascribed to the story of the process that is running when it is recorded."""

    def __init__(self, clock: Clock) -> None:
        self.activities: list[Activity] = []
        self._clock = clock
        self._stories: weakref.WeakKeyDictionary[Any, Story] = weakref.WeakKeyDictionary()
        self._everybody = Story()

    @property
    def story(self) -> Story:
        """The story of the running process; outside any, everybody's."""
        process = self._clock.env.active_process
        return self._everybody if process is None else self._stories.get(process, self._everybody)

    def tell(self, process: simpy.Process, story: Story) -> None:
        """From now on what ``process`` does is part of ``story``."""
        self._stories[process] = story

    def add(self, story: Story | None = None, **fields: Any) -> None:
        """Record an activity of ``story`` (default: the running one), if it took time or carried something."""
        who = story or self.story
        activity = Activity(user=who.user, round=who.round, step=who.step, **fields)
        if activity.end_ns > activity.start_ns or activity.bytes:
            self.activities.append(activity)

    def waited(self, start_ns: int, end_ns: int, node: str, reason: str, story: Story | None = None) -> None:
        """Record waiting at ``node`` for ``reason``."""
        self.add(story, start_ns=start_ns, end_ns=end_ns, node=node, act="waiting", kind="waiting", reason=reason)
