"""Random numbers that are a smooth function of place: neighbours have nearly the same.

A plane holds infinitely many places, so no table of draws will do. A sum of plane waves has random access: its value
is worked out where it is asked for, and is the same whenever that is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from channel_models.randomness import Stream

_POINTS_AT_ONCE = 2048  # so that the phases of all waves stay in the processor's cache


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """Gaussian fields over the plane, one for each number, with correlation exp(-distance / `decorrelation_m`).

    The sum of `waves` plane waves with random phases, whose wave vectors are drawn from the spectrum of that
    correlation, (1 + (k d)^2)^(-3/2): the correlation over all fields is exact. What is approximate is one place's
    distribution (its kurtosis is 3 - 3 / (2 waves), not 3) and the correlation within one field, which strays from the
    exponential like an average over `waves` draws; wavelengths are spread evenly over the spectrum to keep it close.
    ValueError unless both numbers are positive.
    """

    stream: Stream
    decorrelation_m: float
    waves: int = 96
    _known: dict[int, NDArray[np.float64]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not (self.decorrelation_m > 0.0 and self.waves > 0):
            raise ValueError(f"decorrelation_m and waves must be positive, got {self.decorrelation_m} and {self.waves}")

    def normal(self, numbers: NDArray[np.int64], places_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard normal values (n,) of field `numbers` (n,) at `places_m` (n, 2)."""

        def height(phase: NDArray[np.float64]) -> NDArray[np.float64]:
            summed: NDArray[np.float64] = np.cos(phase).sum(axis=1) * np.sqrt(2.0 / self.waves)
            return summed

        return self._summed(numbers, places_m, height)

    def uniform(self, numbers: NDArray[np.int64], places_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (n,) uniform in (0, 1), whose correlation is 3 p / (4 - p) with p = exp(-2 distance / decorrelation).

        exp(-P) of the mean power P of the waves, which is exponential as that of Rayleigh fading is.
        """

        def surviving(phase: NDArray[np.float64]) -> NDArray[np.float64]:
            power = np.square(np.cos(phase).sum(axis=1)) + np.square(np.sin(phase).sum(axis=1))
            share: NDArray[np.float64] = np.exp(-power / self.waves)
            return share

        return self._summed(numbers, places_m, surviving)

    def _summed(
        self,
        numbers: NDArray[np.int64],
        places_m: NDArray[np.float64],
        summary: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """`summary` of the phases (points, waves) of the waves at each place, some places at a time."""
        values = np.empty(len(numbers))
        order = np.argsort(numbers, kind="stable")  # the places of one field together
        for begin in range(0, len(order), _POINTS_AT_ONCE):
            chosen = order[begin : begin + _POINTS_AT_ONCE]
            along_x, along_y, phase = self._waves_of(numbers[chosen])
            x_m, y_m = places_m[chosen, 0, None], places_m[chosen, 1, None]
            values[chosen] = summary(x_m * along_x + y_m * along_y + phase)
        return values

    def _waves_of(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """The waves (3, n, waves) of fields in rising order, or (3, 1, waves) if all are the same."""
        if numbers[0] == numbers[-1]:
            numbers = numbers[:1]
        distinct, inverse = np.unique(numbers, return_inverse=True)
        missing = np.array([number for number in distinct.tolist() if number not in self._known], dtype=np.int64)
        if len(missing):
            self._known.update(zip(missing.tolist(), self._draw(missing), strict=True))
        return np.stack([self._known[number] for number in distinct.tolist()], axis=1)[:, inverse]

    def _draw(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Wave vectors in rad/m and phases of fields (n, 3, waves).

        The share of waves longer than 2 pi / k is 1 - (1 + (k d)^2)^(-1/2), which is solved for k.
        """
        drawn = self.stream.uniform(numbers[:, None], np.arange(3 * self.waves)).reshape(-1, 3, self.waves)
        length, angle, phase = drawn[:, 0], 2.0 * np.pi * drawn[:, 1], 2.0 * np.pi * drawn[:, 2]
        shorter = 1.0 - (np.arange(self.waves) + length) / self.waves
        wavenumber = np.sqrt(shorter**-2.0 - 1.0) / self.decorrelation_m
        return np.stack([wavenumber * np.cos(angle), wavenumber * np.sin(angle), phase], axis=1)
