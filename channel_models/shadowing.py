"""What buildings add to the mean path loss of one place: log-normal shadowing.

Shadowing belongs to a place and stays as long as the user does. A draw per slot would average out over a transfer, and
stragglers with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from channel_models.field import Field
from channel_models.randomness import Stream


class State(IntEnum):
    """How a link runs, which says how its shadowing is spread and correlated."""

    IN_SIGHT = 0
    HIDDEN = 1
    INDOORS = 2


class Shadowing(Protocol):
    """Shadowing in units of its standard deviation."""

    def normal(
        self,
        links: NDArray[np.int64],
        sites: NDArray[np.int64],
        places_m: NDArray[np.float64],
        states: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Standard normal numbers (n,) of `links` (n,) from `sites` (n,) to `places_m` (n, 2) in `states` (n,)."""
        ...


@dataclass(frozen=True, kw_only=True)
class IndependentShadowing:
    """One draw per link, kept for the whole run wherever the user goes; links are independent of one another.

    A user's links to several sites take the draws of several numbers, `draw`.
    """

    stream: Stream
    draw: int = 0

    def normal(
        self,
        links: NDArray[np.int64],
        sites: NDArray[np.int64],
        places_m: NDArray[np.float64],
        states: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """See `Shadowing.normal`."""
        return self.stream.normal(links, self.draw)


@dataclass(frozen=True, kw_only=True, eq=False)
class GudmundsonShadowing:
    """A function of place with correlation exp(-distance / decorrelation distance), along a track and between users.

    M. Gudmundson, "Correlation model for shadow fading in mobile radio systems", Electronics Letters 1991. Each site
    has fields of its own, and so has each state, with the decorrelation distance `decorrelation_m` of that state: where
    a link changes state its shadowing is a fresh draw, and users in different states are independent (3GPP TR 38.901
    section 7.4.4). How the field is approximated is said in `Field`.
    """

    stream: Stream
    decorrelation_m: tuple[float, float, float]

    def normal(
        self,
        links: NDArray[np.int64],
        sites: NDArray[np.int64],
        places_m: NDArray[np.float64],
        states: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """See `Shadowing.normal`."""
        values = np.empty(len(links))
        for state in State:
            members = states == state
            values[members] = self._fields[state].normal(sites[members], places_m[members])
        return values

    @cached_property
    def _fields(self) -> list[Field]:
        seed, purpose = self.stream.seed, self.stream.purpose
        return [
            Field(stream=Stream(seed, f"{purpose} {state.name.lower()}"), decorrelation_m=self.decorrelation_m[state])
            for state in State
        ]
