"""From signal quality to bits per second."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def shannon_bps(bandwidth_hz: float | NDArray[np.float64], snr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Capacity B log2(1 + SNR) in bit/s of an AWGN channel (Shannon 1948); `snr` is linear, the arguments broadcast."""
    # log1p keeps the rate of very weak links, whose 1 + SNR rounds to 1
    rate: NDArray[np.float64] = bandwidth_hz * np.log1p(snr) / math.log(2.0)
    return rate
