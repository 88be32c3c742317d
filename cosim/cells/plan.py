"""The next event of a cell: one is pending at a time, and any change makes it void."""

from __future__ import annotations

from collections.abc import Callable

from cosim.clock import Clock


class Plan:
    """``make`` is called once all that changes at an instant has changed, to say what comes ``at`` which time.

    ``epoch`` is another number after every change.
    """

    def __init__(self, clock: Clock, make: Callable[[], None]) -> None:
        self.epoch = 0
        self._clock = clock
        self._make = make
        self._is_due = False

    def change(self) -> None:
        """What was planned is void."""
        self.epoch += 1
        if not self._is_due:
            self._is_due = True
            self._clock.at(self._clock.now_ns, self._anew)

    def at(self, instant_ns: int, act: Callable[[], None]) -> None:
        """``act`` then, should nothing change before."""
        epoch = self.epoch
        self._clock.at(instant_ns, lambda: act() if epoch == self.epoch else None)

    def _anew(self) -> None:
        self._is_due = False
        self._make()
