"""What buildings add to the mean path loss of one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from channel_models.randomness import Stream


@dataclass(frozen=True, kw_only=True)
class LogNormalShadowing:
    """Log-normal shadowing, N(0, `sigma_db`^2) in dB: one draw per link, kept for the whole run.

    Links are independent of one another. A draw per slot would average out over a transfer, and stragglers with it.
    """

    stream: Stream
    sigma_db: float

    def __post_init__(self) -> None:
        if not self.sigma_db >= 0.0:
            raise ValueError(f"sigma_db must not be negative, got {self.sigma_db}")

    def loss_db(self, links: NDArray[np.int64]) -> NDArray[np.float64]:
        """Loss in dB (positive attenuates) to add to the path loss of each link, in the shape of `links`."""
        return self.sigma_db * self.stream.normal(links, 0)
