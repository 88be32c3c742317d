"""Wherever the round is shortest."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from cosim.cuts.base import Cuts, Fleet, Forecast

Places = NDArray[np.int64]
"""Which of the cut layers there may be is each client's (K,)."""
_ROUNDING = 1e-12
"""Sums of the same seconds in another order."""


class OptimalDelay:
    """All clients cut where their common round is the shortest, all cuts being tried against the cost model.

    A round lasts as long as its slowest client, or its busiest server. For a length that it may have, each client asks
    as little of its server as it can while it is in time itself; the longer the round, the less that is. So the
    shortest round is found by bisection over the times that clients may take. In a round of that length clients are
    then as fast as their servers' time allows: what the model leaves out, as waiting in queues, has room.
    """

    scored = False
    timed = True

    def cuts(self, fleet: Fleet) -> Cuts:
        """See ``CutPolicy.cuts``; of equals, the shallow one."""
        forecast = fleet.expected
        alone_s = forecast.alone_s
        lengths_s = np.unique(alone_s[alone_s >= alone_s.min(axis=1).max()])
        first = bisect_left(
            lengths_s, True, key=lambda length_s: _round_s(forecast, _frugal(forecast, length_s)) <= length_s
        )
        lengths = [
            _round_s(forecast, _frugal(forecast, length_s)) for length_s in lengths_s[max(0, first - 1) : first + 1]
        ]
        found: Cuts = fleet.layers[_relaxed(forecast, min(lengths))]
        return found


def _round_s(forecast: Forecast, places: Places) -> float:
    slowest_s = forecast.alone_s[np.arange(len(places)), places].max()
    return float(max(slowest_s, forecast.busy_s(places).max()))


def _frugal(forecast: Forecast, length_s: float) -> Places:
    """Where each client (K,) asks least of its server, of the cuts at which it is done in time."""
    found: Places = np.where(forecast.alone_s <= length_s, forecast.server_s, np.inf).argmin(axis=1)
    return found


def _relaxed(forecast: Forecast, length_s: float) -> Places:
    """Where clients (K,) are as fast as they can be in a round that is known to have room for them all.

    From each one's fastest cut, those of a server that is late give it up one after another, who loses least for what
    it saves the server first.
    """
    alone_s, server_s, clients = forecast.alone_s, forecast.server_s, np.arange(len(forecast.servers))
    places: Places = alone_s.argmin(axis=1)
    while (late := forecast.busy_s(places) > length_s * (1.0 + _ROUNDING)).any():
        lost_s = alone_s - alone_s[clients, places][:, None]
        saved_s = server_s[clients, places][:, None] - server_s
        helps = (saved_s > 0.0) & (alone_s <= length_s) & late[forecast.servers][:, None]
        price = np.where(helps, lost_s / np.where(helps, saved_s, 1.0), np.inf)
        client, place = np.unravel_index(price.argmin(), price.shape)
        places[client] = place
    return places
