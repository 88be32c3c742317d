"""How the received power of a link wavers in time: one class a model, built of a stream and a block length.

Power gains have mean one and are constant within blocks of `block_ns`; block b covers [b, b + 1) * block_ns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from channel_models.constants import SPEED_OF_LIGHT_MPS
from channel_models.randomness import Stream


class Fading(Protocol):
    """Power gain of links as a function of time, with random access to any block."""

    @property
    def block_ns(self) -> int:
        """Length of a block, over which the gain is constant, in nanoseconds."""
        ...

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """Gains (n, blocks), linear, of links (n,) from block `first_block` on."""
        ...


@dataclass(frozen=True, kw_only=True)
class NoFading:
    """A gain of one at all times; blocks set the grain at which transfers look ahead, the stream is not used."""

    block_ns: int
    stream: Stream | None = None

    def __post_init__(self) -> None:
        _require_block(self.block_ns)

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """Ones (n, blocks)."""
        return np.ones((len(links), blocks))


@dataclass(frozen=True, kw_only=True)
class BlockRayleigh:
    """Rayleigh block fading: |h|^2 ~ Exp(1), an independent draw for each link and coherence block."""

    stream: Stream
    block_ns: int

    def __post_init__(self) -> None:
        _require_block(self.block_ns)

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """Gains (n, blocks) of links (n,); ValueError for a block before time zero."""
        return self.stream.exponential(links[:, None], np.arange(first_block, first_block + blocks))


def coherence_time_s(speed_mps: float, carrier_hz: float) -> float:
    """Coherence time 0.423 / f_d in seconds of Clarke's model, with the Doppler frequency f_d = v f / c.

    ValueError unless both are positive: a link at rest never decorrelates, so its block length is the user's to choose.
    """
    if not (speed_mps > 0.0 and carrier_hz > 0.0):
        raise ValueError(f"speed_mps and carrier_hz must be positive, got {speed_mps} and {carrier_hz}")
    doppler_hz = speed_mps * carrier_hz / SPEED_OF_LIGHT_MPS
    return 0.423 / doppler_hz


def _require_block(block_ns: int) -> None:
    if block_ns < 1:
        raise ValueError(f"block_ns must be at least 1, got {block_ns}")
