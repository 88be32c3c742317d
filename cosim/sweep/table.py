"""The table of a sweep, ``sweep.parquet``: a row a point, from its beginning on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cosim.claims import claimed
from cosim.flat import flat
from cosim.results import appearing
from cosim.sweep.kept import claim_of, kept_summary
from cosim.sweep.points import Point
from cosim.tracking.keeping import Pace

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["waiting", "running", "done", "failed"]

NAME = "sweep.parquet"
_LEAST_S = 1.0
_PATIENCE_S = 60.0
"""For another sweep that writes the table; one that has died is known to have by then."""
_SAID_BEFORE = ("name", "label", "scheme", "seed", "finished")


class SweepTable:
    """What is known of each point so far, written to ``folder`` now and then."""

    def __init__(self, points: Sequence[Point], folder: Path) -> None:
        self._points = points
        self._folder = folder
        self._status: dict[str, Status] = dict.fromkeys((point.name for point in points), "waiting")
        self._summaries: dict[str, Mapping[str, Any]] = {}
        self._pace = Pace(_LEAST_S)
        self._first_columns = _alike([_beginning(point) for point in points])

    def set(self, point: Point, status: Status, summary: Mapping[str, Any] | None = None) -> None:
        """What has become of ``point``."""
        self._status[point.name] = status
        if summary is not None:
            self._summaries[point.name] = summary

    def done(self, points: Sequence[Point]) -> int:
        """How many of ``points`` are done, as far as is known."""
        return sum(self._status[point.name] == "done" for point in points)

    def stopped(self) -> None:
        """What was running waits again."""
        for name, status in self._status.items():
            if status == "running":
                self._status[name] = "waiting"

    def write_if_due(self) -> None:
        """Write the table, if the last time is long enough ago."""
        if self._pace.due:
            self.write()

    def write(self) -> None:
        """Write the table, which appears whole, with what other sweeps into the folder have done.

        They take turns, so that the last to write knows most.

        Raises:
            OSError: it cannot be written.
        """
        with self._pace.writing(), claimed(claim_of(self._folder / NAME), _PATIENCE_S):
            self._look()
            with appearing(self._folder / NAME) as path:
                self.frame().to_parquet(path, index=False)

    def _look(self) -> None:
        """What others may have done is there, or it is not."""
        for point in self._points:
            if self._status[point.name] in ("waiting", "failed"):
                summary = kept_summary(point.scenario, point.folder)
                if summary is not None:
                    self.set(point, "done", summary)

    def frame(self) -> pd.DataFrame:
        """A row a point, in the order of the sweep: name, scheme, seed, status, what is varied, its summary's numbers.

        A quantity that is varied is a number in its base unit (Hz, s, W). Numbers of points to come are missing.
        """
        import pandas as pd  # noqa: PLC0415 - workers need none of it, and their parent only now and then

        rows = [
            first | {"status": self._status[point.name]} | _numbers(self._summaries.get(point.name, {}))
            for point, first in zip(self._points, self._first_columns, strict=True)
        ]
        return pd.DataFrame(rows)


def _beginning(point: Point) -> dict[str, Any]:
    entry = point.entry
    known = {"point": point.name, "label": entry.label, "scheme": entry.options.name, "seed": point.scenario.seed}
    settings = point.scenario.model_dump() | {"scheme": entry.options.model_dump()}
    varied = {key: _value(settings, key, given) for key, given in point.settings.items() if key != "seed"}
    return {**known, "status": "waiting", **varied}


def _alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each column of one type, as Parquet has it: all text, where one value is."""
    mixed = {key for row in rows for key, value in row.items() if isinstance(value, str)}
    return [{key: str(value) if key in mixed else value for key, value in row.items()} for row in rows]


def _value(settings: Mapping[str, Any], key: str, given: Any) -> Any:
    """The resolved value at ``key``, if it is one number or word; else what was given, as text."""
    value: Any = settings
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, (list, tuple)) and len(value) == 1:
        (value,) = value
    if isinstance(value, (int, float, str, bool)):
        return value
    return given if isinstance(given, str) else json.dumps(given, default=str)


def _numbers(summary: Mapping[str, Any]) -> dict[str, float | int | None]:
    found = flat({key: value for key, value in summary.items() if key not in _SAID_BEFORE})
    return {key: value for key, value in found.items() if value is None or isinstance(value, (int, float))}
