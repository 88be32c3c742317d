"""Who was there when, as it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from channel_models.tables import count, number, rows

_NS_PER_S = 1e9


@dataclass(frozen=True, kw_only=True)
class RecordedAvailability:
    """From a CSV file of the times at which somebody is on: columns user (from 0), start_s and end_s.

    The times of one user rise and do not overlap; on [start, end) it is on, else off, and so is whoever has no row.
    ValueError if the file is not so.
    """

    path: str

    def __post_init__(self) -> None:
        _ = self._changes_ns

    def is_on(self, who: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """See `Availability.is_on`."""
        changes = [np.searchsorted(self._of(user), times_ns, side="right") for user in who.tolist()]
        on: NDArray[np.bool_] = np.reshape(changes, (len(who), len(times_ns))) % 2 == 1
        return on

    def next_change_ns(self, who: int, time_ns: int) -> int | None:
        """See `Availability.next_change_ns`."""
        changes_ns = self._of(who)
        following = int(np.searchsorted(changes_ns, time_ns, side="right"))
        return int(changes_ns[following]) if following < len(changes_ns) else None

    def _of(self, user: int) -> NDArray[np.int64]:
        return self._changes_ns.get(user, np.empty(0, dtype=np.int64))

    @cached_property
    def _changes_ns(self) -> dict[int, NDArray[np.int64]]:
        """Instants at which each user goes on, off, on, ..."""
        changes: dict[int, list[int]] = {}
        for line, row in rows(self.path, ("user", "start_s", "end_s")):
            own = changes.setdefault(count(line, row, "user"), [])
            start_ns, end_ns = (
                round(number(line, row, column, "a time from 0 on", lambda value: value >= 0.0) * _NS_PER_S)
                for column in ("start_s", "end_s")
            )
            if not start_ns < end_ns or (own and start_ns < own[-1]):
                raise ValueError(
                    f"line {line}: the times of user {row['user']} must rise, from start_s to end_s and on"
                )
            if own and start_ns == own[-1]:
                own[-1] = end_ns  # straight on
            else:
                own += [start_ns, end_ns]
        return {user: np.array(times, dtype=np.int64) for user, times in changes.items()}
