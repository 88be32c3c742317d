"""Whether somebody is there: users who come and go, links that break and heal, as functions of time.

The state at any instant can be asked for in any order, and so can the instant at which it changes next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from channel_models.randomness import Stream

_NS_PER_S = 1e9
_MOST_IN_A_CELL = 18  # a cell is as long as one point takes on average: more than so many have probability 1e-17
_CELLS_AHEAD = 4
_LONGEST_MEAN_S = 1e8  # so that some cells ahead are still within 64 bits of nanoseconds
_NEVER_NS = np.iinfo(np.int64).max


class Availability(Protocol):
    """Who is on, when."""

    def is_on(self, who: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of `who` (n,) is on at instants (m,): (n, m). ValueError for an instant before time zero."""
        ...

    def next_change_ns(self, who: int, time_ns: int) -> int | None:
        """The first instant after `time_ns` at which the state is another; null if it stays for ever."""
        ...


@dataclass(frozen=True, kw_only=True)
class AlwaysOn:
    """Everybody is there at all times."""

    def is_on(self, who: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """See `Availability.is_on`."""
        return np.ones((len(who), len(times_ns)), dtype=bool)

    def next_change_ns(self, who: int, time_ns: int) -> int | None:
        """See `Availability.next_change_ns`."""
        return None


@dataclass(frozen=True, kw_only=True)
class MarkovOnOff:
    """On and off by turns, each for an exponential time of its own mean, in the steady state from time zero on.

    A Markov process of two states follows two independent Poisson processes: signs to be on, at rate 1 / off, and signs
    to be off, at rate 1 / on; a sign to be what one is already changes nothing. The state at an instant is thus what
    the last sign before it said, which is found without a look at anything earlier; before the first of all it is one
    more draw. ValueError unless both means are positive, and at most three years.
    """

    stream: Stream
    mean_on_s: float
    mean_off_s: float

    def __post_init__(self) -> None:
        for name in ("mean_on_s", "mean_off_s"):
            if not 0.0 < getattr(self, name) <= _LONGEST_MEAN_S:
                raise ValueError(f"{name} must be positive and at most 1e8, got {getattr(self, name)}")

    def is_on(self, who: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """See `Availability.is_on`."""
        _require_times(times_ns)
        entity, time_ns = (a.ravel() for a in np.broadcast_arrays(who[:, None], np.asarray(times_ns)[None, :]))
        told_on_ns, told_off_ns = (self._signs(on).latest_ns(entity, time_ns) for on in (True, False))
        share_on = self.mean_on_s / (self.mean_on_s + self.mean_off_s)
        at_first = self._stream("state").uniform(entity, 0) < share_on
        untold = np.maximum(told_on_ns, told_off_ns) < 0
        return np.where(untold, at_first, told_on_ns > told_off_ns).reshape(len(who), -1)

    def next_change_ns(self, who: int, time_ns: int) -> int | None:
        """See `Availability.next_change_ns`: the next sign to be what one is not."""
        on = bool(self.is_on(np.array([who]), np.array([time_ns]))[0, 0])
        return self._signs(not on).next_ns(who, time_ns)

    def _signs(self, on: bool) -> _Poisson:
        return _Poisson(self._stream("on" if on else "off"), self.mean_off_s if on else self.mean_on_s)

    def _stream(self, use: str) -> Stream:
        return Stream(self.stream.seed, f"{self.stream.purpose} {use}")


@dataclass(frozen=True)
class _Poisson:
    """A Poisson process for each entity, with random access: it is drawn in cells of time, numbered from zero.

    A cell is as long as one point takes on average.
    """

    stream: Stream
    mean_s: float

    def latest_ns(self, who: NDArray[np.int64], time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """The last points (n,) of `who` (n,) until instants (n,), -1 where there is none."""
        latest_ns, cell, open_ = np.full(len(who), -1), time_ns // self._cell_ns, np.arange(len(who))
        while open_.size:
            points_ns = self._points_ns(who[open_], cell[open_])
            points_ns[points_ns > time_ns[open_, None]] = -1
            latest_ns[open_] = points_ns.max(axis=1)
            cell[open_] -= 1
            open_ = open_[(latest_ns[open_] < 0) & (cell[open_] >= 0)]
        return latest_ns

    def next_ns(self, who: int, time_ns: int) -> int:
        """The first point after an instant."""
        cells = time_ns // self._cell_ns + np.arange(_CELLS_AHEAD)
        while True:
            points_ns = self._points_ns(np.full(len(cells), who), cells)
            later_ns = points_ns[points_ns > time_ns].min()
            if later_ns < _NEVER_NS:
                return int(later_ns)
            cells += len(cells)

    @property
    def _cell_ns(self) -> int:
        return max(1, round(self.mean_s * _NS_PER_S))

    def _points_ns(self, who: NDArray[np.int64], cell: NDArray[np.int64]) -> NDArray[np.int64]:
        """The points (n, 18) in one cell each, in order of time; those that are left out, never."""
        address = cell[:, None] * _MOST_IN_A_CELL + np.arange(_MOST_IN_A_CELL)
        gaps_s = self.stream.exponential(who[:, None], address) * self.mean_s
        into_ns = np.minimum(np.ceil(np.cumsum(gaps_s, axis=1) * _NS_PER_S), self._cell_ns).astype(np.int64)
        return np.where(into_ns < self._cell_ns, cell[:, None] * self._cell_ns + into_ns, _NEVER_NS)


def _require_times(times_ns: NDArray[np.int64]) -> None:
    if np.any(np.asarray(times_ns) < 0):
        raise ValueError(f"times_ns must not be negative, got {np.min(times_ns)}")
