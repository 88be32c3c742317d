"""In which order points run: of those that train the same one leads, and the others follow when it has trained.

Last come points that another sweep has: then there is time to wait for it, and to take over should it die.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from cosim.sweep.points import Point


class Schedule:
    """Hands out points; of two that are ready a leader goes first, for others wait for it."""

    def __init__(self, families: Sequence[Sequence[Point]]) -> None:
        self._leaders = deque(family[0] for family in families)
        self._waiting = {family[0].name: deque(family[1:]) for family in families}
        self._followers: deque[Point] = deque()
        self._elsewhere: deque[Point] = deque()

    @property
    def ready(self) -> int:
        """How many points could run now, if nobody else had them."""
        return len(self._leaders) + len(self._followers)

    def next(self) -> Point | None:
        """The point to run now, if there is one."""
        queue = self._leaders or self._followers or self._elsewhere
        return queue.popleft() if queue else None

    def done(self, point: Point, *, trained: bool) -> None:
        """``point`` is over; if it led and has not ``trained``, the next one of its family leads."""
        family = self._waiting.pop(point.name, None)
        if not family:
            return
        if trained:
            self._followers += family
        else:
            leader = family.popleft()
            self._leaders.append(leader)
            self._waiting[leader.name] = family

    def again(self, point: Point) -> None:
        """``point`` was lost, and is the next to run."""
        (self._leaders if point.name in self._waiting else self._followers).appendleft(point)

    def elsewhere(self, point: Point) -> None:
        """Another sweep has ``point``; those that train the same wait for it as if it were run here."""
        self._elsewhere.append(point)
