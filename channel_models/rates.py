"""From signal quality to bits per second: the capacity, and what real modulation makes of it.

`SINR` is linear throughout. Rates by CQI tables stand in `cqi`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from channel_models.decibels import db_to_linear

Bandwidth = float | NDArray[np.float64]


class Rate(Protocol):
    """The rate of a link by its bandwidth and the quality of its signal."""

    def bps(self, bandwidth_hz: Bandwidth, sinr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rate in bit/s of links with that linear SINR; the arguments broadcast."""
        ...


@runtime_checkable
class Repeats(Protocol):
    """A rate model that sends blocks again when they fail, which takes time."""

    def delay_s(self, sinr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean delay that repetitions add to a block at that linear SINR."""
        ...


@dataclass(frozen=True, kw_only=True)
class Shannon:
    """Capacity B log2(1 + SINR) of a channel with white Gaussian noise (Shannon 1948)."""

    def bps(self, bandwidth_hz: Bandwidth, sinr: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Rate.bps`."""
        # log1p keeps the rate of very weak links, whose 1 + SINR rounds to 1
        rate: NDArray[np.float64] = bandwidth_hz * np.log1p(sinr) / math.log(2.0)
        return rate


@dataclass(frozen=True, kw_only=True)
class TruncatedShannon:
    """Attenuated and truncated capacity of LTE: nothing below a least SINR, a share of Shannon's rate, and a most.

    3GPP TR 36.942 annex A.2: at least -10 dB; 0.6 of the capacity and at most 4.4 bit/s/Hz on the downlink, 0.4 and 2.0
    on the uplink (the uplink's: defaults, unconfirmed). What is given replaces these. ValueError for an unknown
    direction, or an attenuation or a most that is not positive.
    """

    direction: Literal["uplink", "downlink"] = "downlink"
    attenuation: float | None = None
    least_sinr_db: float = -10.0
    most_bps_per_hz: float | None = None

    def __post_init__(self) -> None:
        if self.direction not in _TRUNCATED:
            raise ValueError(f"direction must be one of {', '.join(_TRUNCATED)}, got {self.direction!r}")
        for name in ("attenuation", "most_bps_per_hz"):
            value = getattr(self, name)
            if value is not None and not value > 0.0:
                raise ValueError(f"{name} must be positive, got {value}")

    def bps(self, bandwidth_hz: Bandwidth, sinr: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Rate.bps`."""
        share, most = _TRUNCATED[self.direction]
        share = share if self.attenuation is None else self.attenuation
        most = most if self.most_bps_per_hz is None else self.most_bps_per_hz
        efficiency = np.minimum(share * np.log2(1.0 + sinr), most)
        rate: NDArray[np.float64] = bandwidth_hz * np.where(sinr < db_to_linear(self.least_sinr_db), 0.0, efficiency)
        return rate


_TRUNCATED = {"downlink": (0.6, 4.4), "uplink": (0.4, 2.0)}
