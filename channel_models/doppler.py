"""Fading as a function of time that is correlated from one instant to the next: sums of sinusoids.

The complex gain of a link is a sum of unit vectors that turn, each at its own Doppler frequency with a random phase. It
can be evaluated at any instant, in any order, at any grain, which a recursion (AR(1), Markov chain) cannot; the
correlation in time is the Fourier transform of the distribution of frequencies.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from channel_models.constants import SPEED_OF_LIGHT_MPS
from channel_models.decibels import db_to_linear
from channel_models.fading import require_block, require_finite
from channel_models.randomness import Stream

_NS_PER_S = 1e9
SINUSOIDS = 20  # E|h|^4 is 2 - 1/20 where Rayleigh fading has 2; with 8 deep fades are too rare by 6 %


def doppler_hz(speed_mps: float, carrier_hz: float) -> float:
    """Greatest Doppler frequency f_d = v f / c. ValueError unless both are positive."""
    if not (speed_mps > 0.0 and carrier_hz > 0.0):
        raise ValueError(f"speed_mps and carrier_hz must be positive, got {speed_mps} and {carrier_hz}")
    return speed_mps * carrier_hz / SPEED_OF_LIGHT_MPS


def coherence_time_s(speed_mps: float, carrier_hz: float) -> float:
    """Coherence time 0.423 / f_d in seconds of Clarke's model.

    ValueError unless both are positive: a link at rest never decorrelates, so its block length is the user's to choose.
    """
    return 0.423 / doppler_hz(speed_mps, carrier_hz)


@dataclass(frozen=True, kw_only=True)
class _Sinusoids(ABC):
    """A sum of sinusoids whose frequencies a subclass draws; the gain of a block is that in its middle."""

    stream: Stream
    block_ns: int

    def __post_init__(self) -> None:
        require_block(self.block_ns)

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """Gains (n, blocks) of links (n,)."""
        middles = np.arange(first_block, first_block + blocks, dtype=np.float64) + 0.5
        return self.power_gain_at(links, middles * self.block_ns)

    def power_gain_at(self, links: NDArray[np.int64], times_ns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gains (n, m) of links (n,) at any instants (m,), which do not depend on `block_ns`."""
        gain = self.complex_gain_at(links, times_ns)
        return np.square(gain.real) + np.square(gain.imag)

    def complex_gain_at(self, links: NDArray[np.int64], times_ns: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Complex gains (n, m) of links (n,) at any instants (m,), with mean power one."""
        frequency_hz, turn = self._frequencies_hz(links), self._draws(links)[1]
        gain = np.zeros((len(links), len(times_ns)), dtype=np.complex128)
        for which in range(SINUSOIDS):  # one after another: all at once would take twenty times the memory
            gain += _turning(frequency_hz[:, which, None], turn[:, which, None], times_ns)
        gain /= np.sqrt(SINUSOIDS)
        return gain

    def _draws(self, links: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Uniform numbers (n, sinusoids): for the frequencies, one in each of as many equal parts; for the phases."""
        uniform = self.stream.uniform(links[:, None], np.arange(2 * SINUSOIDS))
        spread = (np.arange(SINUSOIDS) + uniform[:, :SINUSOIDS]) / SINUSOIDS
        return spread, uniform[:, SINUSOIDS:]

    @abstractmethod
    def _frequencies_hz(self, links: NDArray[np.int64]) -> NDArray[np.float64]:
        """Doppler frequencies (n, sinusoids)."""


@dataclass(frozen=True, kw_only=True)
class Jakes(_Sinusoids):
    """Rayleigh or Rician fading of a moving user: correlation J0(2 pi f_d t) of the complex gain (Clarke 1968).

    Waves arrive from all round, one from each of twenty equal sectors. With `k_db` there is a steady path besides, that
    much stronger than their sum, from a random direction. ValueError if a block is longer than the coherence time, for
    then most of the fading would lie between the blocks.
    """

    carrier_hz: float
    speed_mps: float
    k_db: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        longest_s, block_s = coherence_time_s(self.speed_mps, self.carrier_hz), self.block_ns / _NS_PER_S
        if block_s > longest_s:
            raise ValueError(
                f"a block must not be longer than the coherence time, {longest_s:.3g} s at {self.speed_mps:g} m/s and "
                f"{self.carrier_hz:g} Hz, got {block_s:g} s"
            )
        if self.k_db is not None:
            require_finite(k_db=self.k_db)

    def _frequencies_hz(self, links: NDArray[np.int64]) -> NDArray[np.float64]:
        angle = 2.0 * np.pi * self._draws(links)[0]
        return doppler_hz(self.speed_mps, self.carrier_hz) * np.cos(angle)

    def complex_gain_at(self, links: NDArray[np.int64], times_ns: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Complex gains (n, m) of links (n,) at any instants (m,), with mean power one."""
        scattered = super().complex_gain_at(links, times_ns)
        if self.k_db is None:
            return scattered
        k = db_to_linear(self.k_db)
        direction, turn = self.stream.uniform(links[:, None], 2 * SINUSOIDS + np.arange(2)).T
        frequency_hz = doppler_hz(self.speed_mps, self.carrier_hz) * np.cos(2.0 * np.pi * direction)
        steady = _turning(frequency_hz[:, None], turn[:, None], times_ns)
        gain: NDArray[np.complex128] = (np.sqrt(k) * steady + scattered) / np.sqrt(k + 1.0)
        return gain


@dataclass(frozen=True, kw_only=True)
class GaussMarkov(_Sinusoids):
    """Rayleigh fading with correlation exp(-t / T) of the complex gain: that of a first-order Gauss-Markov process.

    `correlation_time_s` is T, a parameter of its own: no speed has this spectrum. Realised as sinusoids whose
    frequencies follow the Lorentzian spectrum of that correlation, so that instants may be asked for in any order.
    """

    correlation_time_s: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.correlation_time_s < np.inf:
            raise ValueError(f"correlation_time_s must be positive and finite, got {self.correlation_time_s}")

    def _frequencies_hz(self, links: NDArray[np.int64]) -> NDArray[np.float64]:
        spread = self._draws(links)[0]
        frequency_hz: NDArray[np.float64] = np.tan(np.pi * (spread - 0.5)) / (2.0 * np.pi * self.correlation_time_s)
        return frequency_hz


def _turning(
    frequency_hz: NDArray[np.float64], turn: NDArray[np.float64], times_ns: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Unit vectors that began at `turn`, a share of the circle; the arguments broadcast."""
    phase = 2.0 * np.pi * (frequency_hz * (times_ns / _NS_PER_S) + turn)
    vectors = np.empty(phase.shape, dtype=np.complex128)
    vectors.real, vectors.imag = np.cos(phase), np.sin(phase)
    return vectors
