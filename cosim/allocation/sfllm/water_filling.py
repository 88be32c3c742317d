"""What a client's subchannels carry at least power: water-filling, in closed form for all clients at once.

Of subchannels in the order of their gains, those above the water are the first n. Of all n the right one gives the
lowest level, both for a rate and for a power, so that no search is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from cosim.allocation.problem import Array
from cosim.allocation.sfllm.problem import Indices, Uplink


@dataclass(frozen=True, kw_only=True, eq=False)
class Filling:
    """Subchannels (..., K, M) of each client, the best first; those that it has not are of no width.

    ``behind`` is the logarithm of the best gain over each one's: how high the water must stand, in the logarithm of
    1 + SNR of the best, before a subchannel is used. ``places`` are where subchannels stand in the uplink.
    """

    width_hz: Array
    gain_to_noise_hz_per_w: Array
    behind: Array
    places: Indices

    @classmethod
    def of(cls, uplink: Uplink, owner: Indices) -> Self:
        """Of the subchannels that belong to clients ``owner`` (..., M), each of whom must have one."""
        gains = uplink.gain_to_noise_hz_per_w
        own = owner[..., None, :] == np.arange(gains.shape[-2])[:, None]
        places = np.argsort(np.where(own, -gains, np.inf), axis=-1, kind="stable")
        own, gains = (np.take_along_axis(np.broadcast_to(each, places.shape), places, axis=-1) for each in (own, gains))
        return cls(
            width_hz=np.where(own, uplink.width_hz[places], 0.0),
            gain_to_noise_hz_per_w=gains,
            behind=np.where(own, np.log(gains[..., :1] / gains), 0.0),
            places=places,
        )

    def level_of_rate(self, rate_bps: Array) -> Array:
        """The level (..., K) at which clients reach these rates (..., K)."""
        return self._lowest(rate_bps * math.log(2.0), self.behind)

    def level_of_power(self, power_w: Array) -> Array:
        """The level (..., K) at which clients spend these powers (..., K)."""
        return np.log1p(self._lowest(power_w * self.gain_to_noise_hz_per_w[..., 0], np.expm1(self.behind)))

    def rate_bps(self, level: Array) -> Array:
        """What clients (..., K) carry at those levels."""
        rates: Array = np.sum(self.width_hz * self._above(level), axis=-1) / math.log(2.0)
        return rates

    def power_w(self, level: Array) -> Array:
        """What each subchannel (..., K, M) takes at those levels (..., K)."""
        power: Array = self.width_hz * np.expm1(self._above(level)) / self.gain_to_noise_hz_per_w
        return power

    def power_slope(self, level: Array) -> Array:
        """How a client's power (..., K) grows with its rate, in watts per bit/s."""
        slope: Array = math.log(2.0) * np.exp(level) / self.gain_to_noise_hz_per_w[..., 0]
        return slope

    def in_uplink(self, of_clients: Array) -> Array:
        """What stands in the order of this class (..., K, M), for each subchannel (..., M) of the uplink."""
        back = np.argsort(self.places, axis=-1)
        placed: Array = np.sum(np.take_along_axis(of_clients, back, axis=-1), axis=-2)
        return placed

    def _above(self, level: Array) -> Array:
        return np.maximum(level[..., None] - self.behind, 0.0)

    def _lowest(self, amount: Array, threshold: Array) -> Array:
        """The level x at which the sum of W (x - threshold), over what is below x, is ``amount``."""
        below = np.cumsum(self.width_hz * threshold, axis=-1)
        lowest: Array = np.min((amount[..., None] + below) / np.cumsum(self.width_hz, axis=-1), axis=-1)
        return lowest
