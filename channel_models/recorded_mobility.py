"""Places of users as they were recorded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from channel_models.tables import count, number, rows

_NS_PER_S = 1e9
_COLUMNS = ("time_s", "user", "x_m", "y_m")


@dataclass(frozen=True, kw_only=True)
class RecordedMobility:
    """From a CSV file: columns time_s, user (from 0), x_m and y_m, in the plane of the sites.

    Users go straight from one recorded place to the next, and stay at the first and the last before and after. Times of
    a user must rise. ValueError if the file is not so, or has nothing of a user who is asked for.
    """

    path: str

    def __post_init__(self) -> None:
        _ = self._tracks

    @property
    def top_speed_mps(self) -> float:
        """See `Mobility.top_speed_mps`."""
        return max(_top_speed_mps(track) for track in self._tracks.values())

    def places_m(self, users: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `Mobility.places_m`."""
        times_s = np.asarray(times_ns, dtype=np.float64) / _NS_PER_S
        places = np.empty((len(users), len(times_s), 2))
        for row, user in enumerate(users.tolist()):
            if user not in self._tracks:
                raise ValueError(f"nothing of user {user}, only of {len(self._tracks)} users")
            known_s, x_m, y_m = self._tracks[user]
            places[row, :, 0], places[row, :, 1] = np.interp(times_s, known_s, x_m), np.interp(times_s, known_s, y_m)
        return places

    @cached_property
    def _tracks(self) -> dict[int, NDArray[np.float64]]:
        """Time, x and y (3, m) of each user."""
        points: dict[int, list[tuple[float, float, float]]] = {}
        for line, row in rows(self.path, _COLUMNS):
            track = points.setdefault(count(line, row, "user"), [])
            time_s = number(line, row, "time_s", "a number from 0 on", lambda value: value >= 0.0)
            if track and time_s <= track[-1][0]:
                raise ValueError(f"line {line}: time_s = {time_s:g} does not rise for user {row['user']}")
            x_m, y_m = (number(line, row, column, "a number") for column in ("x_m", "y_m"))
            track.append((time_s, x_m, y_m))
        if not points:
            raise ValueError("no row below the header")
        return {user: np.array(track).T for user, track in points.items()}


def _top_speed_mps(track: NDArray[np.float64]) -> float:
    steps = np.diff(track, axis=1)
    return float((np.hypot(steps[1], steps[2]) / steps[0]).max(initial=0.0))
