"""How the received power of a link wavers in time: what all models share, and those that draw anew for each block.

Power gains have mean one and are constant within blocks of `block_ns`; block b covers [b, b + 1) * block_ns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from channel_models.decibels import db_to_linear
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
        require_block(self.block_ns)

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """Ones (n, blocks)."""
        return np.ones((len(links), blocks))


@dataclass(frozen=True, kw_only=True)
class BlockRayleigh:
    """Rayleigh block fading: |h|^2 ~ Exp(1), an independent draw for each link and coherence block."""

    stream: Stream
    block_ns: int

    def __post_init__(self) -> None:
        require_block(self.block_ns)

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """Gains (n, blocks) of links (n,); ValueError for a block before time zero."""
        return self.stream.exponential(links[:, None], np.arange(first_block, first_block + blocks))


@dataclass(frozen=True, kw_only=True)
class BlockRician:
    """Rician block fading: a steady path, `k_db` stronger than the sum of the others, which are drawn for each block.

    |sqrt(K / (K + 1)) + sqrt(1 / (K + 1)) h|^2 with h complex normal. The default K is the mean of urban macro cells in
    line of sight (3GPP TR 38.901 Table 7.5-6); towards minus infinity it is Rayleigh fading.
    """

    stream: Stream
    block_ns: int
    k_db: float = 9.0

    def __post_init__(self) -> None:
        require_block(self.block_ns)
        require_finite(k_db=self.k_db)

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """Gains (n, blocks) of links (n,); ValueError for a block before time zero."""
        two_a_block = 2 * np.arange(first_block, first_block + blocks)
        power = self.stream.exponential(links[:, None], two_a_block)
        turn = 2.0 * np.pi * self.stream.uniform(links[:, None], two_a_block + 1)
        k = db_to_linear(self.k_db)
        gain: NDArray[np.float64] = (k + 2.0 * np.sqrt(k * power) * np.cos(turn) + power) / (k + 1.0)
        return gain


@dataclass(frozen=True, kw_only=True)
class BlockNakagami:
    """Nakagami-m block fading: |h|^2 ~ Gamma(m, 1/m), an independent draw for each link and block.

    `m` of at least 1/2: m = 1 is Rayleigh fading, more is calmer. The draws are Marsaglia and Tsang's ("A simple method
    for generating gamma variables", 2000): a proposal is accepted nineteen times of twenty, else another is made.
    """

    stream: Stream
    block_ns: int
    m: float

    def __post_init__(self) -> None:
        require_block(self.block_ns)
        require_finite(m=self.m)
        if self.m < 0.5:
            raise ValueError(f"m must be at least 0.5, got {self.m}")

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """Gains (n, blocks) of links (n,); ValueError for a block before time zero."""
        who, which = np.broadcast_arrays(links[:, None], np.arange(first_block, first_block + blocks))
        gain = self._gamma(who.ravel(), which.ravel()).reshape(who.shape) / self.m
        if self.m >= 1.0:
            return gain
        # Gamma(m) is Gamma(m + 1) times U^(1/m)
        reduced: NDArray[np.float64] = gain * self._stream("reduction").uniform(who, which) ** (1.0 / self.m)
        return reduced

    def _gamma(self, who: NDArray[np.int64], which: NDArray[np.int64]) -> NDArray[np.float64]:
        """Gamma(m) draws (n,), of m + 1 if m is below one."""
        centre = (self.m if self.m >= 1.0 else self.m + 1.0) - 1.0 / 3.0
        values, open_ = np.empty(len(who)), np.arange(len(who))
        attempt = 0
        while open_.size:
            normal = self._stream(f"proposal {attempt}").normal(who[open_], which[open_])
            lot = self._stream(f"lot {attempt}").uniform(who[open_], which[open_])
            cube = np.maximum(1.0 + normal / np.sqrt(9.0 * centre), 0.0) ** 3
            log_cube = np.log(cube, out=np.full_like(cube, -np.inf), where=cube > 0.0)
            values[open_] = centre * cube
            taken = np.log(lot) < 0.5 * normal**2 + centre * (1.0 - cube + log_cube)
            open_, attempt = open_[~taken], attempt + 1
        return values

    def _stream(self, use: str) -> Stream:
        return Stream(self.stream.seed, f"{self.stream.purpose} {use}")


def require_block(block_ns: int) -> None:
    """ValueError unless the block has a length."""
    if block_ns < 1:
        raise ValueError(f"block_ns must be at least 1, got {block_ns}")


def require_finite(**values: float) -> None:
    """ValueError unless every value is a finite number."""
    for name, value in values.items():
        if not np.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value}")
