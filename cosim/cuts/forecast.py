"""How long a round will take clients that cut here or there, with the waiting for each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]
Indices = NDArray[np.int64]
_ITERATIONS = 30
"""Waiting converges by a factor of two or so each; the cost model is not exact to a millionth."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Shared:
    """Something that clients use by turns: servers, or the air of cells.

    Attributes:
        asked_s: (K, C) what each client asks of it in a round at each of C cut layers.
        groups: (K,) which of them is each client's, numbered from 0.
        at_once: (M,) how many turns each of them has under way at a time.
    """

    asked_s: Seconds
    groups: Indices
    at_once: Indices

    def waits_s(self, asked_s: Seconds, present: Seconds) -> Seconds:
        """(..., K) how long clients wait there for others, who ask for so much (..., K) and are there that share of the
        time (..., K): when a client comes it finds each of the others there as often, and waits for its turn."""
        found_s = asked_s * present
        others_s = (found_s @ self._members)[..., self.groups] - found_s
        found: Seconds = self._share * others_s
        return found

    @cached_property
    def _members(self) -> NDArray[np.bool_]:
        """(K, M) who is whose."""
        found: NDArray[np.bool_] = self.groups[:, None] == np.arange(len(self.at_once))
        return found

    @cached_property
    def _share(self) -> Seconds:
        """(K,) what another's turn costs; nothing where all can have one at a time."""
        several = self._members.sum(axis=0) > self.at_once
        found: Seconds = (several / self.at_once)[self.groups]
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecast:
    """Of a round of K clients at each of C cut layers, by the cost model and the rates of now.

    A client goes round between its own computing (K, C) ``own_s`` and what is ``shared``: a closed network of queues
    with one job of each client. Its waiting is what Schweitzer's approximation of mean value analysis says
    (1979; Reiser and Lavenberg 1980): a client that arrives finds the others where they are on average.
    """

    own_s: Seconds
    shared: tuple[Shared, ...]

    @property
    def alone_s(self) -> Seconds:
        """(K, C) of a client that never waits."""
        found: Seconds = self.own_s + sum(each.asked_s for each in self.shared)
        return found

    def times_s(self, places: Indices) -> Seconds:
        """(..., K) if clients cut at these ``places`` (..., K) of the layers."""
        found: Seconds = _at(self.alone_s, places) + self._waits_s(places)
        return found

    def each_s(self, places: Indices) -> Seconds:
        """(K, C) if each client cut elsewhere and all others at these ``places`` (K,)."""
        return self.alone_s + self._waits_s(places)[:, None]

    def round_s(self, places: Indices) -> Seconds:
        """(...) until the slowest is done."""
        longest: Seconds = self.times_s(places).max(axis=-1)
        return longest

    def _waits_s(self, places: Indices) -> Seconds:
        alone_s = _at(self.alone_s, places)
        asked_s = [_at(each.asked_s, places) for each in self.shared]
        waits_s = [np.zeros_like(alone_s) for _ in self.shared]
        for _ in range(_ITERATIONS):
            times_s = alone_s + sum(waits_s)
            waits_s = [
                each.waits_s(asked, (asked + waits) / times_s)
                for each, asked, waits in zip(self.shared, asked_s, waits_s, strict=True)
            ]
        found: Seconds = np.sum(waits_s, axis=0)
        return found


def _at(seconds: Seconds, places: Indices) -> Seconds:
    found: Seconds = seconds[np.arange(len(seconds)), places]
    return found
