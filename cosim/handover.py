"""Hands users who move from edge server to edge server."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import simpy

from channel_models.handover import HandoverWatch
from cosim.clock import to_ns

if TYPE_CHECKING:
    from channel_models.handover import Handover, HandoverRule
    from cosim.coverage import Coverage
    from cosim.nodes import Edge, User

OBSTACLE = "handover"
"""What those who wait meanwhile are told."""

_CHECKS_AHEAD = 64
_SIGNALS_AT_ONCE = 1 << 22  # 32 MiB


class Handovers:
    """What the strongest edge server is depends on where users go alone, so handovers are worked out ahead.

    There is one event a handover, and one where more are worked out, however often signals are checked.
    """

    def __init__(
        self,
        coverage: Coverage,
        rule: HandoverRule,
        interruption_s: float,
        users: Sequence[User],
        edges: Sequence[Edge],
    ) -> None:
        self._coverage = coverage
        self._rule = rule
        self._interruption_ns = to_ns(interruption_s)
        self._users = users
        self._edges = edges
        self._interval_ns = to_ns(rule.interval_s)
        self._watch = HandoverWatch(rule, coverage.nearest, coverage.edges)
        self._why = f"stronger by {rule.hysteresis_db:g} dB for {rule.time_to_trigger_s * 1e3:g} ms"

    def story(self) -> Generator[simpy.Event, object, None]:
        """All handovers of all users, for ever."""
        clock = self._users[0].services.clock
        ahead = max(1, min(_CHECKS_AHEAD, _SIGNALS_AT_ONCE // (len(self._users) * len(self._edges))))
        first = 1
        while True:
            instants_ns = (first + np.arange(ahead)) * self._interval_ns
            for handover in self._watch.decide(self._coverage.signal_db(instants_ns)):
                yield clock.at(int(instants_ns[handover.check]), background=True)
                self._make(handover)
            yield clock.at(int(instants_ns[-1]), background=True)
            self._users[0].services.recorder.require_progress()
            first += ahead

    def _make(self, handover: Handover) -> None:
        user = self._users[handover.user]
        clock, recorder = user.services.clock, user.services.recorder
        origin, target = self._edges[handover.origin], self._edges[handover.target]
        until_ns = clock.now_ns + self._interruption_ns
        recorder.happened(clock.now_ns, until_ns, user.name, "handover", f"{origin.name} to {target.name}, {self._why}")
        user.link.hand_over(target, OBSTACLE, until_ns)
