"""Radio links: from the share of band and power a link holds to its rate, block by block."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from channel_models.drift import Drifting
from channel_models.fading import Fading
from channel_models.noise import noise_w
from channel_models.rates import Rate, Repeats, Shannon
from channel_models.recent_gains import RecentGains

PerLink = float | NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RadioLinks:
    """The n links of one direction (all uplinks, or all downlinks).

    `mean_gain` (n,) is linear: path loss and shadowing, before fading. `transmit_power_w` (n,) is the whole power of
    each link's sender. `rate` makes bits of signal quality. ValueError unless gain and power have the same length and
    every value is positive.
    """

    mean_gain: NDArray[np.float64]
    transmit_power_w: NDArray[np.float64]
    noise_figure_db: float
    fading: Fading
    rate: Rate = field(default_factory=Shannon)

    def __post_init__(self) -> None:
        gain, power = self.mean_gain.shape, self.transmit_power_w.shape
        if len(gain) != 1 or gain != power:
            raise ValueError(f"mean_gain and transmit_power_w must both have shape (n,), got {gain} and {power}")
        for name in ("mean_gain", "transmit_power_w"):
            values = getattr(self, name)
            if not np.all(np.greater(values, 0.0)):
                raise ValueError(f"{name} must be positive, got {np.min(values)}")

    def rates_bps(
        self,
        links: NDArray[np.int64],
        bandwidth_hz: PerLink,
        power_share: PerLink,
        first_block: int,
        blocks: int,
        interference_w: PerLink = 0.0,
    ) -> NDArray[np.float64]:
        """Rates (k, blocks) in bit/s of the chosen `links` (k,), from fading block `first_block` on.

        Each link holds `bandwidth_hz` and `power_share` of its sender's power: 1 on the uplink, where a user's whole
        power goes into its part of the band, 1/n on the downlink, where one sender splits its power over n. Noise
        counts over the held bandwidth alone. `interference_w` is what the receiver gets from others over that
        bandwidth. Each is one value for all, one each (k,), or one for each block too (k, 1 or blocks).
        """
        sinr = self._sinr(links, bandwidth_hz, power_share, first_block, blocks, interference_w)
        return self.rate.bps(_each_block(bandwidth_hz), sinr)

    def delay_s(
        self,
        links: NDArray[np.int64],
        bandwidth_hz: PerLink,
        power_share: PerLink,
        first_block: int,
        blocks: int,
        interference_w: PerLink = 0.0,
    ) -> NDArray[np.float64]:
        """Mean delay (k, blocks) by which bits that are sent again come late; arguments as for `rates_bps`."""
        sinr = self._sinr(links, bandwidth_hz, power_share, first_block, blocks, interference_w)
        return self.rate.delay_s(sinr) if isinstance(self.rate, Repeats) else np.zeros_like(sinr)

    @cached_property
    def repeats(self) -> bool:
        """Whether blocks are sent again, and so come late."""
        return isinstance(self.rate, Repeats)

    def capacity_bps(self, links: NDArray[np.int64], bandwidth_hz: float) -> NDArray[np.float64]:
        """What no rate (k,) beats in the long run: Shannon's at the mean gain, for it is concave in the gain.

        Infinite where users move: nobody knows where they come to.
        """
        if isinstance(self.fading, Drifting):
            return np.full(len(links), np.inf)
        return Shannon().bps(bandwidth_hz, self.mean_carrier_to_noise_hz[links] / bandwidth_hz)

    def carrier_to_noise_hz(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """C / N0 (k, blocks) at full power, without interference: the SNR times the bandwidth it is spread over."""
        gain: NDArray[np.float64] = self._gains.power_gain(links, first_block, blocks)
        return self.mean_carrier_to_noise_hz[links][:, None] * gain

    @cached_property
    def mean_carrier_to_noise_hz(self) -> NDArray[np.float64]:
        """The same (n,) of all links before fading."""
        return self.transmit_power_w * self.mean_gain / self._noise_w_per_hz

    def _sinr(
        self,
        links: NDArray[np.int64],
        bandwidth_hz: PerLink,
        power_share: PerLink,
        first_block: int,
        blocks: int,
        interference_w: PerLink,
    ) -> NDArray[np.float64]:
        """Linear SINR (k, blocks)."""
        bandwidth = _each_block(bandwidth_hz)
        mean_snr = self.mean_carrier_to_noise_hz[links][:, None] * _each_block(power_share) / bandwidth
        if np.any(interference_w):
            mean_snr = mean_snr / (1.0 + _each_block(interference_w) / (bandwidth * self._noise_w_per_hz))
        sinr: NDArray[np.float64] = mean_snr * self._gains.power_gain(links, first_block, blocks)
        return sinr

    @cached_property
    def _noise_w_per_hz(self) -> float:
        return noise_w(1.0, self.noise_figure_db)

    @cached_property
    def _gains(self) -> RecentGains:
        return RecentGains(self.fading, len(self.mean_gain))


def _each_block(values: PerLink) -> NDArray[np.float64]:
    """One value for all, one a link (k,), or one a link and block (k, blocks), as they go with (k, blocks)."""
    array = np.asarray(values, dtype=np.float64)
    return array if array.ndim == 2 else array[..., None]
