import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import lambertw

from channel_models.rates import Shannon
from cosim.allocation.band import band_for

ROUNDING = 1e-12
"""Relative: some hundred operations on floats of 2e-16."""


@given(st.floats(1e-3, 1e12), st.floats(-7, 10))
def test_the_band_carries_the_rate(c_hz: float, decades: float) -> None:
    """From far below the noise to far above it; the SNR in the band is 10^decades."""
    band = c_hz / 10.0**decades
    rate = float(Shannon().bps(band, np.array(c_hz / band)))
    found = band_for(np.array(rate), np.array(c_hz))
    # as a weak signal's rate hardly depends on its band, its last bits are many of the band's
    assert found.hz == pytest.approx(band, rel=max(ROUNDING, 1e-15 * band / c_hz))
    assert found.snr == pytest.approx(c_hz / band, rel=max(ROUNDING, 1e-15 * band / c_hz))


@pytest.mark.parametrize("rho", [1e-9, 1e-3, 0.3, 0.9, 0.999])
def test_the_band_is_the_one_on_the_branch_minus_one_of_lamberts_function(rho: float) -> None:
    """rho ln2-scaled: b = -r ln2 / (W(-rho exp(-rho)) + rho), from SciPy's W."""
    c_hz = 3e6
    rate = rho * c_hz / math.log(2.0)
    expected = -rate * math.log(2.0) / (lambertw(-rho * math.exp(-rho), k=-1).real + rho)
    assert band_for(np.array(rate), np.array(c_hz)).hz == pytest.approx(expected, rel=1e-10)  # SciPy's, near 1


def test_beyond_what_any_band_carries_the_band_is_infinite() -> None:
    c_hz = 1e6
    rates = c_hz / math.log(2.0) * np.array([0.5, 1.0, 2.0])
    assert np.isfinite(band_for(rates, np.array(c_hz)).hz).tolist() == [True, False, False]


@pytest.mark.parametrize("snr", [1e-3, 0.1, 1.0, 30.0, 1e6])
def test_growth_and_elasticity_are_the_slopes_of_their_neighbours(snr: float) -> None:
    c_hz, step = 5e6, 1e-4 * min(snr, 1.0)  # as the rates of weak signals hardly grow with the band
    rate = float(Shannon().bps(c_hz / snr, np.array(snr)))
    below, at, above = (band_for(np.array(rate * factor), np.array(c_hz)) for factor in (1 - step, 1.0, 1 + step))
    central = 1e-6  # of central differences with that step
    assert (above.hz - below.hz) / (2 * step * rate) == pytest.approx(at.growth, rel=central)
    effort = [band.growth * rate * factor for band, factor in ((below, 1 - step), (above, 1 + step))]
    assert math.log(effort[1] / effort[0]) / (2 * step) == pytest.approx(at.elasticity(), rel=central)
