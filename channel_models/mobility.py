"""Where users are as a function of time, with random access to any instant.

Places are in metres, in a plane with one site or more, to which users are dealt out in turn. Those who walk at random
have positions that are sums over all their steps since time zero, so that the cost of asking grows with the time that
has passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from channel_models.geometry import distance_m, uniform_disc, uniform_ring
from channel_models.randomness import Stream

Sites = tuple[tuple[float, float], ...]

ONE_SITE: Sites = ((0.0, 0.0),)

_NS_PER_S = 1e9
_FEWEST_LEGS = 8


class Mobility(Protocol):
    """Places of users over time."""

    @property
    def top_speed_mps(self) -> float:
        """Nobody is ever faster; zero if nobody moves."""
        ...

    def places_m(self, users: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Places (n, m, 2) of users (n,) at instants (m,), none before time zero."""
        ...


@dataclass(frozen=True, kw_only=True)
class Static:
    """Users stay where they are put: uniform over the disc of the cell."""

    stream: Stream
    radius_m: float
    minimum_m: float
    sites_m: Sites = ONE_SITE

    @property
    def top_speed_mps(self) -> float:
        """See `Mobility.top_speed_mps`."""
        return 0.0

    def places_m(self, users: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `Mobility.places_m`."""
        place = uniform_disc(self.stream, users, self.radius_m, self.minimum_m) + _own_site(self.sites_m, users)
        return np.repeat(place[:, None], len(times_ns), axis=1)


@dataclass(frozen=True, kw_only=True)
class RandomWaypoint:
    """Random waypoint: straight to a place uniform in the cell, at a uniform speed, a pause, and so on.

    D. Johnson and D. Maltz, "Dynamic source routing in ad hoc wireless networks", 1996. Users begin where static ones
    stand; where there are several sites, each further place is in the disc about one of them, drawn afresh. As is known
    of the model, users are found nearer the middle as time goes on, and slower; a least speed well above zero limits
    the latter. ValueError unless 0 < least <= greatest speed and the pause is at least 0.
    """

    stream: Stream
    radius_m: float
    minimum_m: float
    least_speed_mps: float
    greatest_speed_mps: float
    pause_s: float = 0.0
    sites_m: Sites = ONE_SITE

    def __post_init__(self) -> None:
        _require_speeds(self.least_speed_mps, self.greatest_speed_mps)
        if not self.pause_s >= 0.0:
            raise ValueError(f"pause_s must not be negative, got {self.pause_s}")

    @property
    def top_speed_mps(self) -> float:
        """See `Mobility.top_speed_mps`."""
        return self.greatest_speed_mps

    def places_m(self, users: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `Mobility.places_m`."""
        times_s = np.asarray(times_ns, dtype=np.float64) / _NS_PER_S
        latest_s, legs = float(times_s.max(initial=0.0)), _FEWEST_LEGS
        waypoints_m, depart_s, walk_s = self._legs(users, legs)
        while depart_s[:, -1].min(initial=np.inf) <= latest_s:
            legs *= 2
            waypoints_m, depart_s, walk_s = self._legs(users, legs)
        leg = (depart_s[:, None, :] <= times_s[:, None]).sum(axis=-1) - 1  # (n, m)
        row = np.arange(len(users))[:, None]
        share = np.minimum((times_s - depart_s[row, leg]) / walk_s[row, leg], 1.0)[..., None]
        start_m, end_m = waypoints_m[row, leg], waypoints_m[row, leg + 1]
        places: NDArray[np.float64] = start_m + share * (end_m - start_m)
        return places

    def _legs(
        self, users: NDArray[np.int64], legs: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Waypoints (n, legs + 1, 2), and the departure and the time under way of each leg (n, legs) in seconds."""
        which = np.arange(legs + 1)
        area_share, turn, lot = (self.stream.uniform(users[:, None], 3 * which + number) for number in range(3))
        waypoints_m = uniform_ring(area_share, turn, self.radius_m, self.minimum_m) + self._sites_m(users, legs)
        speed_mps = self.least_speed_mps + lot[:, :-1] * (self.greatest_speed_mps - self.least_speed_mps)
        walk_s = distance_m(waypoints_m[:, 1:], waypoints_m[:, :-1]) / speed_mps
        depart_s = np.zeros_like(walk_s)
        np.cumsum(walk_s[:, :-1] + self.pause_s, axis=1, out=depart_s[:, 1:])
        return waypoints_m, depart_s, walk_s

    def _sites_m(self, users: NDArray[np.int64], legs: int) -> NDArray[np.float64]:
        """The sites (n, legs + 1, 2) about which the waypoints lie."""
        lot = Stream(self.stream.seed, f"{self.stream.purpose} site").uniform(users[:, None], np.arange(1, legs + 1))
        later_m = np.array(self.sites_m)[(lot * len(self.sites_m)).astype(np.int64)]
        return np.concatenate([_own_site(self.sites_m, users)[:, None], later_m], axis=1)


@dataclass(frozen=True, kw_only=True)
class RandomWalk:
    """Random walk: a new direction and a uniform speed every `turn_s`, in the square inscribed in the cell.

    Where there are several sites it is the smallest rectangle with the squares of all. Its walls reflect, so users are
    uniform in it at any time. ValueError unless 0 < least <= greatest speed and the time between turns is positive.
    """

    stream: Stream
    radius_m: float
    least_speed_mps: float
    greatest_speed_mps: float
    turn_s: float = 10.0
    sites_m: Sites = ONE_SITE

    def __post_init__(self) -> None:
        _require_speeds(self.least_speed_mps, self.greatest_speed_mps)
        if not self.turn_s > 0.0:
            raise ValueError(f"turn_s must be positive, got {self.turn_s}")

    @property
    def top_speed_mps(self) -> float:
        """See `Mobility.top_speed_mps`."""
        return self.greatest_speed_mps

    def places_m(self, users: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `Mobility.places_m`."""
        times_s = np.asarray(times_ns, dtype=np.float64) / _NS_PER_S
        step = np.floor(times_s / self.turn_s).astype(np.int64)  # (m,)
        velocity_mps = self._velocity_mps(users, int(step.max(initial=0)) + 1)  # (n, steps, 2)
        at_turn_m = np.zeros((len(users), velocity_mps.shape[1] + 1, 2))
        np.cumsum(velocity_mps * self.turn_s, axis=1, out=at_turn_m[:, 1:])
        since_s = (times_s - step * self.turn_s)[:, None]
        wandered_m = at_turn_m[:, step] + velocity_mps[:, step] * since_s
        sites_m, square_m = np.array(self.sites_m), self.radius_m * np.sqrt(2.0)
        side_m = np.ptp(sites_m, axis=0) + square_m
        start = self.stream.uniform(users[:, None], np.arange(2))[:, None]
        places: NDArray[np.float64] = _reflected(start * side_m + wandered_m, side_m) + (
            sites_m.min(axis=0) - square_m / 2.0
        )
        return places

    def _velocity_mps(self, users: NDArray[np.int64], steps: int) -> NDArray[np.float64]:
        which = 2 + 2 * np.arange(steps)  # the first two numbers say where a user starts
        turn, lot = (self.stream.uniform(users[:, None], which + number) for number in range(2))
        speed_mps = self.least_speed_mps + lot * (self.greatest_speed_mps - self.least_speed_mps)
        angle = 2.0 * np.pi * turn
        return np.stack([speed_mps * np.cos(angle), speed_mps * np.sin(angle)], axis=-1)


def _own_site(sites_m: Sites, users: NDArray[np.int64]) -> NDArray[np.float64]:
    """The sites (n, 2) that users (n,) are dealt out to in turn."""
    return np.array(sites_m)[users % len(sites_m)]


def _reflected(length_m: NDArray[np.float64], side_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where one is between 0 and `side_m` after going so far straight on, reflected at both ends."""
    turned = np.mod(length_m, 2.0 * side_m)
    reflected: NDArray[np.float64] = np.minimum(turned, 2.0 * side_m - turned)
    return reflected


def _require_speeds(least_mps: float, greatest_mps: float) -> None:
    if not 0.0 < least_mps <= greatest_mps < np.inf:
        raise ValueError(
            "least_speed_mps and greatest_speed_mps must satisfy 0 < least <= greatest, "
            f"got {least_mps} and {greatest_mps}"
        )
