"""What a run tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cosim.observer import Row
    from cosim.runner import Run


class Callback:
    """Hears of a run; each does nothing unless it is overridden."""

    def start(self, run: Run) -> None:
        """All is built, and nothing has happened yet."""

    def waits(self, run: Run) -> None:
        """Another run is training the same; when it is over, this one begins, and finds the results in the cache."""

    def round(self, run: Run, row: Row) -> None:
        """A round has ended and all of its line of ``rounds.parquet`` is known; rounds come in their order.

        Between two evaluations training losses are not known, so that those rounds are told of at the second one.
        """

    def end(self, run: Run) -> None:
        """The run is over, finished or interrupted; not called if it failed."""


class Telling(Callback):
    """Calls a function with each line of ``rounds.parquet``, and one when the run must wait."""

    def __init__(self, tell: Callable[[Row], None], waits: Callable[[], None] = lambda: None) -> None:
        self._tell = tell
        self._waits = waits

    def waits(self, run: Run) -> None:
        """See ``Callback.waits``."""
        self._waits()

    def round(self, run: Run, row: Row) -> None:
        """See ``Callback.round``."""
        self._tell(row)
