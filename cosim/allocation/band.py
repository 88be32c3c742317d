"""The band that a rate needs: Shannon's r = b log2(1 + c / b), solved for b.

With rho = r ln2 / c the band is -r ln2 / (W(-rho exp(-rho)) + rho), W being Lambert's function on the branch -1; on the
other branch lies the root b = infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from channel_models.rates import Shannon
from cosim.allocation.problem import Array

_WEAK = 0.03
"""SNR (and 1 - rho) below which functions of the SNR are series, for as differences of large terms they lose digits."""
_REST = tuple((-1) ** n * (n + 1) / (n + 2) for n in range(12))
_LACK = tuple((-1) ** n / (n + 2) for n in range(12))
_NEWTON_STEPS = 4
"""From the start below, these reach the last bits for any rho that floats can tell from 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Band:
    """Bands in hertz, how they grow with the rates in hertz per bit/s, and the SNR in them."""

    hz: Array
    growth: Array
    snr: Array

    def elasticity(self) -> Array:
        """By how many times the relative change of a rate the product of rate and ``growth`` changes."""
        z = self.snr
        with np.errstate(divide="ignore", invalid="ignore"):
            return 1.0 + np.log1p(z) * (z / ((1.0 + z) * _rest(z))) ** 2


def rate_bps(band_hz: Array | float, carrier_to_noise_hz: Array) -> Array:
    """What such bands carry; the arguments broadcast."""
    return Shannon().bps(band_hz, carrier_to_noise_hz / band_hz)


def band_for(rate_bps: Array, carrier_to_noise_hz: Array) -> Band:
    """The bands that carry these rates; the arguments broadcast.

    ``carrier_to_noise_hz`` is c, the SNR times the band it is spread over. Bands are infinite where the rate is not
    below c / ln2, for which no band is wide enough.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rho = rate_bps * (math.log(2.0) / carrier_to_noise_hz)
        snr = np.where(rho < 1.0, _snr(rho), 0.0)
        return Band(hz=carrier_to_noise_hz / snr, growth=math.log(2.0) / _rest(snr), snr=snr)


def _rest(z: Array) -> Array:
    """ln(1 + z) - z / (1 + z), which is less than its terms for weak signals."""
    rest = np.log1p(z) - z / (1.0 + z)
    return _where_weak(z, rest, lambda few: few**2 * _series(few, _REST))


def _snr(rho: Array) -> Array:
    """The SNR z with ln(1 + z) / z = rho, for 0 < rho < 1: u / rho - 1, where u - ln u = rho - ln rho and u > 1."""
    distance = rho - np.log(rho) - 1.0
    u = 1.0 + np.sqrt(2.0 * distance) + distance * (2.0 / 3.0 + distance) / (1.0 + distance)
    for _ in range(_NEWTON_STEPS):
        u = u - (u - np.log(u) - 1.0 - distance) * u / (u - 1.0)
    weak = 1.0 - rho
    return _where_weak(weak, u / rho - 1.0, _weak_snr)


def _where_weak(small: Array, values: Array, series: Callable[[Array], Array]) -> Array:
    """``values``, but those of ``series`` where ``small`` is below ``_WEAK``, which few are."""
    few = small < _WEAK
    if few.any():
        values = np.array(values)
        values[few] = series(small[few])
    return values


def _weak_snr(weak: Array) -> Array:
    """The same for 1 - rho = z / 2 - z^2 / 3 + z^3 / 4 - ..., which no float near 1 tells well."""
    z = 2.0 * weak * (1.0 + 4.0 / 3.0 * weak)
    for _ in range(_NEWTON_STEPS):
        z = z - (z * _series(z, _LACK) - weak) / _series(z, _REST)  # whose slope happens to be that other series
    return z


def _series(z: Array, terms: Sequence[float]) -> Array:
    """The sum of terms[n] z^n."""
    value = np.zeros_like(z)
    for term in reversed(terms):
        value = value * z + term
    return value
