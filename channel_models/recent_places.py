"""Where users were of late: every site asks for the same users at the same instants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from channel_models.mobility import Mobility

_KEPT_VALUES = 1 << 20  # 8 megabytes


class RecentPlaces:
    """The places of `mobility`, of which those last asked for are kept."""

    def __init__(self, mobility: Mobility) -> None:
        self._mobility = mobility
        self._known: dict[tuple[bytes, bytes], NDArray[np.float64]] = {}
        self._values = 0

    @property
    def top_speed_mps(self) -> float:
        """See `Mobility.top_speed_mps`."""
        return self._mobility.top_speed_mps

    def places_m(self, users: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `Mobility.places_m`."""
        asked = users.tobytes(), np.asarray(times_ns).tobytes()
        places = self._known.get(asked)
        if places is None:
            places = self._known[asked] = self._mobility.places_m(users, times_ns)
            places.flags.writeable = False  # all who ask share it
            self._values += places.size
            while self._values > _KEPT_VALUES and len(self._known) > 1:
                self._values -= self._known.pop(next(iter(self._known))).size
        return places
