"""The tables of a run are written while it goes on, so that its figures and report can be drawn meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim import results
from cosim.tracking.callback import Callback

if TYPE_CHECKING:
    from cosim.observer import Row
    from cosim.runner import Run

LEAST_S = 5.0
"""Seconds between two writings; a run that takes less is written once, at its end."""
SHARE = 0.02
"""Most of its time that a run spends on writing before its end: each time all is written anew."""


class Pace:
    """Says when it is time to write again: not before ``least_s`` seconds, nor so often that it takes a `SHARE`."""

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self._written_s = time.perf_counter()
        self._took_s = 0.0

    @property
    def due(self) -> bool:
        """Whether it is."""
        return time.perf_counter() - self._written_s >= max(self._least_s, self._took_s / SHARE)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is done meanwhile is the writing."""
        began_s = time.perf_counter()
        yield
        self._written_s = time.perf_counter()
        self._took_s = self._written_s - began_s


class Keeping(Callback):
    """Writes the results so far into ``folder`` now and then, and all of them at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary: dict[str, Any] = {}
        self._pace = Pace(LEAST_S)

    def round(self, run: Run, row: Row) -> None:
        """See ``Callback.round``."""
        if self._pace.due:
            self._write(run)

    def end(self, run: Run) -> None:
        """See ``Callback.end``."""
        self._write(run)

    def _write(self, run: Run) -> None:
        with self._pace.writing():
            self.summary = results.write(run, self.folder)
