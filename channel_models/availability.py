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
_MOST_IN_A_CELL = 18  # a cell is as long as one renewal takes on average: more than so many have probability 1e-17
_CELLS_AHEAD = 4
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

    A Markov process of two states is a Poisson process of renewals, at rate 1 / on + 1 / off, at each of which the
    state is drawn afresh: on with probability on / (on + off). The state at an instant is thus that of the last renewal
    before it, which is found without a look at anything earlier. Renewals are drawn in cells of time, numbered from
    zero; before the first of all, the state is one more draw. ValueError unless both means are positive.
    """

    stream: Stream
    mean_on_s: float
    mean_off_s: float

    def __post_init__(self) -> None:
        for name in ("mean_on_s", "mean_off_s"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be positive and finite, got {getattr(self, name)}")

    def is_on(self, who: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """See `Availability.is_on`."""
        _require_times(times_ns)
        entity, time_ns = (a.ravel() for a in np.broadcast_arrays(who[:, None], np.asarray(times_ns)[None, :]))
        state, cell = np.empty(entity.shape, dtype=bool), time_ns // self._cell_ns
        open_ = np.arange(entity.size)
        while open_.size:
            passed = (self._renewals_ns(entity[open_], cell[open_]) <= time_ns[open_, None]).sum(axis=1)
            found = open_[passed > 0]
            state[found] = self._drawn(entity[found], _address(cell[found], passed[passed > 0] - 1))
            open_ = open_[passed == 0]
            cell[open_] -= 1
            first = open_[cell[open_] < 0]
            state[first] = self._drawn(entity[first], np.zeros_like(first))
            open_ = open_[cell[open_] >= 0]
        return state.reshape(len(who), -1)

    def next_change_ns(self, who: int, time_ns: int) -> int | None:
        """See `Availability.next_change_ns`; it looks ahead some cells at a time, and always finds one."""
        now = self.is_on(np.array([who]), np.array([time_ns]))[0, 0]
        cells = time_ns // self._cell_ns + np.arange(_CELLS_AHEAD)
        while True:
            ahead = np.full(len(cells), who)
            instants_ns = self._renewals_ns(ahead, cells)
            states = self._drawn(ahead[:, None], _address(cells[:, None], np.arange(_MOST_IN_A_CELL)))
            changes = instants_ns[(instants_ns > time_ns) & (instants_ns < _NEVER_NS) & (states != now)]
            if changes.size:
                return int(changes.min())
            cells = cells[-1] + 1 + np.arange(2 * len(cells))

    @property
    def _rate_hz(self) -> float:
        return 1.0 / self.mean_on_s + 1.0 / self.mean_off_s

    @property
    def _cell_ns(self) -> int:
        return max(1, round(_NS_PER_S / self._rate_hz))

    def _renewals_ns(self, who: NDArray[np.int64], cell: NDArray[np.int64]) -> NDArray[np.int64]:
        """Instants (n, 18) of the renewals in one cell each, in order of time; those that are left out, never."""
        address = _address(cell[:, None], np.arange(_MOST_IN_A_CELL))
        gaps_s = self._stream("gap").exponential(who[:, None], address) / self._rate_hz
        into_ns = np.minimum(np.ceil(np.cumsum(gaps_s, axis=1) * _NS_PER_S), self._cell_ns).astype(np.int64)
        return np.where(into_ns < self._cell_ns, cell[:, None] * self._cell_ns + into_ns, _NEVER_NS)

    def _drawn(self, who: NDArray[np.int64], address: NDArray[np.int64]) -> NDArray[np.bool_]:
        """States drawn at renewals."""
        share_on = self.mean_on_s / (self.mean_on_s + self.mean_off_s)
        return self._stream("state").uniform(who, address) < share_on

    def _stream(self, use: str) -> Stream:
        return Stream(self.stream.seed, f"{self.stream.purpose} {use}")


def _address(cell: NDArray[np.int64], which: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the draws of a renewal are; at 0 is the state at time zero."""
    return 1 + cell * _MOST_IN_A_CELL + which


def _require_times(times_ns: NDArray[np.int64]) -> None:
    if np.any(np.asarray(times_ns) < 0):
        raise ValueError(f"times_ns must not be negative, got {np.min(times_ns)}")
