"""Simulated time: the one place where seconds become integer nanoseconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import simpy

from cosim.stuck import Stuck

if TYPE_CHECKING:
    from cosim.recorder import Story

NS_PER_S = 1_000_000_000


def to_ns(seconds: float) -> int:
    """``seconds`` rounded to whole nanoseconds.

    Raises:
        ValueError: not finite, or negative: SimPy would accept NaN and lose the order of events.
    """
    value = float(seconds)
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"a delay must be finite and not negative, not {seconds!r} s")
    return round(value * NS_PER_S)


def to_s(ns: int) -> float:
    """Nanoseconds as seconds."""
    return ns / NS_PER_S


class Process(simpy.Process):  # type: ignore[misc]  # SimPy has no types
    """A process, and whose story it tells, if anybody has said so."""

    story: Story | None = None


class Clock:
    """SimPy's event loop, run on integer nanoseconds: equal instants are equal, and no rounding accumulates."""

    def __init__(self) -> None:
        self.env = simpy.Environment(initial_time=0)
        self._pending = 0

    @property
    def now_ns(self) -> int:
        """The present, in nanoseconds."""
        return int(self.env.now)

    @property
    def now_s(self) -> float:
        """The present, in seconds."""
        return to_s(self.now_ns)

    @property
    def idle(self) -> bool:
        """Whether nothing is to come, now or later, but what happens in the background."""
        return not self._pending and self.env.peek() > self.env.now

    def at(self, instant_ns: int, act: Callable[[], None] | None = None, *, background: bool = False) -> simpy.Event:
        """An event at ``instant_ns``, now or later; ``act`` happens just before whoever waits for it goes on.

        In the ``background`` is what befalls the world whatever the stories do, such as users who come and go.
        """
        event = self.env.timeout(instant_ns - self.now_ns)
        if not background:
            self._pending += 1
            event.callbacks.append(self._passed)
        if act is not None:
            event.callbacks.append(lambda _: act())
        return event

    def event(self) -> simpy.Event:
        """An event that somebody will trigger."""
        return self.env.event()

    def process(self, story: Generator[Any, Any, Any]) -> Process:
        """Let ``story`` happen from now on."""
        return Process(self.env, story)

    def all_of(self, events: list[simpy.Event]) -> simpy.Event:
        """The moment when all of ``events`` have happened."""
        return self.env.all_of(events)

    def first_of(self, events: list[simpy.Event]) -> simpy.Event:
        """The moment when one of ``events`` has happened."""
        return self.env.any_of(events)

    def run(self, until: simpy.Event) -> None:
        """Let time pass until ``until`` has happened.

        Raises:
            Stuck: before that, nothing more happens.
        """
        try:
            self.env.run(until)
        except RuntimeError as error:
            if until.triggered or self.env.peek() < math.inf:
                raise
            raise Stuck(f"from {self.now_s:g} s on nothing more happens") from error

    def _passed(self, _: simpy.Event) -> None:
        self._pending -= 1
