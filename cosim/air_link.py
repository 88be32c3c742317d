"""A user's radio: through which edge server it is reached, and what stands in the way now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import simpy

    from cosim.clock import Clock
    from cosim.nodes import Edge


EDGE_DOWN = "edge server down"
"""What stands in the way of those whom a crashed edge server serves."""

_NOTHING: Mapping[str, None] = {}


class AirLink:
    """Who uses the link looks here before it sends, and waits for ``changed`` while it does.

    ``may_change`` is False where nothing ever happens to the link, so that nobody needs to watch it.
    """

    __slots__ = ("_changed", "_clock", "_ends_ns", "_later", "_serving", "may_change")

    def __init__(self, clock: Clock, serving: Edge) -> None:
        self.may_change = False
        self._serving = serving
        self._later: tuple[tuple[int, Edge], ...] = ()
        self._clock = clock
        self._ends_ns: Mapping[str, int | None] = _NOTHING  # what stands in the way, and until when
        self._changed: simpy.Event | None = None

    @property
    def serving(self) -> Edge:
        """The edge server that serves the user now."""
        return self._later[-1][1] if self._later else self._serving

    @property
    def served(self) -> Sequence[tuple[int, Edge]]:
        """Since when, in nanoseconds, the user has been served by which edge server."""
        return ((0, self._serving), *self._later)

    @property
    def changed(self) -> simpy.Event:
        """The next change of any kind."""
        if self._changed is None:
            self._changed = self._clock.event()
        return self._changed

    @property
    def obstacle(self) -> str | None:
        """What stands in the way, if something does; of several, what came first."""
        return next(iter(self._ends_ns), None)

    @property
    def is_lost(self) -> bool:
        """Whether something stands in the way for ever."""
        return None in self._ends_ns.values()

    def is_blocked_by(self, obstacle: str) -> bool:
        """Whether this stands in the way now."""
        return obstacle in self._ends_ns

    def is_blocked_for_ever_by(self, obstacle: str) -> bool:
        """Whether this will always stand in the way."""
        return self._ends_ns.get(obstacle, 0) is None

    def block(self, obstacle: str, until_ns: int | None) -> None:
        """Nothing passes before ``until_ns``, if ever."""
        self._ends_ns = {**self._ends_ns, obstacle: until_ns}
        if until_ns is not None:
            self._clock.at(until_ns, lambda: self._clear(obstacle), background=True)
        self._tell()

    def hand_over(self, edge: Edge, obstacle: str, until_ns: int) -> None:
        """From now on ``edge`` serves the user, but nothing passes before ``until_ns``."""
        self._ends_ns = {other: until_ns for other, until_ns in self._ends_ns.items() if other != EDGE_DOWN}
        self._later = (*self._later, (self._clock.now_ns, edge))
        self.block(obstacle, until_ns)

    def _clear(self, obstacle: str) -> None:
        if self._ends_ns.get(obstacle) == self._clock.now_ns:  # else it has begun anew
            self._ends_ns = {other: until_ns for other, until_ns in self._ends_ns.items() if other != obstacle}
            self._tell()

    def _tell(self) -> None:
        if self._changed is not None:
            changed, self._changed = self._changed, None
            changed.succeed()
