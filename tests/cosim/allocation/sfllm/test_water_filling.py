"""Water-filling against SciPy's general optimiser, and against its own definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from cosim.allocation.sfllm.problem import Uplink
from cosim.allocation.sfllm.water_filling import Filling

ROUNDING = 1e-11
"""Relative: some hundred operations on floats of 2e-16, and brentq's own tolerance of 1e-12."""

gains = st.lists(st.floats(1e2, 1e14), min_size=4, max_size=4)
widths = st.lists(st.floats(1e4, 1e7), min_size=4, max_size=4)


def one_client(width_hz: list[float], gain: list[float]) -> tuple[Uplink, Filling]:
    uplink = Uplink(
        width_hz=np.array(width_hz), gain_to_noise_hz_per_w=np.array([gain]), client_power_w=1.0, total_power_w=1.0
    )
    return uplink, Filling.of(uplink, np.zeros(4, dtype=np.int64))


@given(widths, gains, st.floats(-6, 3))
def test_the_level_of_a_power_is_the_root_of_what_is_poured_in(
    width: list[float], gain: list[float], decades: float
) -> None:
    """The power density is what of the level lies above each noise-to-gain ratio."""
    power = 10.0**decades
    _, filling = one_client(width, gain)
    inverse = 1.0 / np.array(gain)

    def poured(above_lowest: float) -> float:
        return float(np.sum(np.array(width) * np.maximum(above_lowest - (inverse - inverse.min()), 0.0)))

    above = brentq(lambda x: poured(x) - power, 0.0, power / min(width) + np.ptp(inverse), xtol=1e-300, rtol=1e-14)
    level = filling.level_of_power(np.array([power]))
    assert np.expm1(level[0]) == pytest.approx(above * max(gain), rel=ROUNDING)
    assert np.sum(filling.power_w(level)) == pytest.approx(power, rel=ROUNDING)


@given(widths, gains, st.floats(2, 9))
def test_rate_and_power_lead_to_the_same_level(width: list[float], gain: list[float], decades: float) -> None:
    rate = np.array([10.0**decades])
    _, filling = one_client(width, gain)
    level = np.minimum(filling.level_of_rate(rate), 50.0)  # e^50 times the noise is more than anybody has
    again = filling.level_of_power(np.sum(filling.power_w(level), axis=-1))
    assert again == pytest.approx(level, rel=ROUNDING)
    assert filling.level_of_rate(filling.rate_bps(level)) == pytest.approx(level, rel=ROUNDING)


@given(widths, gains, st.floats(0.01, 20.0), st.integers(0, 1000))
def test_no_other_division_of_the_power_carries_more(
    width: list[float], gain: list[float], level: float, seed: int
) -> None:
    uplink, filling = one_client(width, gain)
    at = np.array([level])
    power = filling.in_uplink(filling.power_w(at))
    other = np.random.default_rng(seed).dirichlet(np.ones(4)) * power.sum()
    carried = np.sum(uplink.width_hz * np.log2(1.0 + other * uplink.gain_to_noise_hz_per_w[0] / uplink.width_hz))
    assert carried <= filling.rate_bps(at)[0] * (1.0 + ROUNDING)


def test_the_slope_is_that_of_the_power_over_the_rate() -> None:
    _, filling = one_client([1e5, 2e5, 3e5, 4e5], [1e8, 3e7, 2e7, 1e3])
    step, rate = 1e-5, np.array([2e6])
    below, above = (np.sum(filling.power_w(filling.level_of_rate(rate * factor))) for factor in (1 - step, 1 + step))
    slope = filling.power_slope(filling.level_of_rate(rate))
    assert (above - below) / (2 * step * rate) == pytest.approx(slope, rel=1e-7)  # central differences


def test_subchannels_stand_where_they_stood_in_the_uplink() -> None:
    uplink = Uplink(
        width_hz=np.array([1.0, 2.0, 3.0]),
        gain_to_noise_hz_per_w=np.array([[1.0, 5.0, 2.0], [9.0, 1.0, 1.0]]),
        client_power_w=1.0, total_power_w=1.0,
    )  # fmt: skip
    filling = Filling.of(uplink, np.array([1, 0, 0]))
    assert filling.width_hz.tolist() == [[2.0, 3.0, 0.0], [1.0, 0.0, 0.0]]
    assert filling.in_uplink(filling.width_hz).tolist() == [1.0, 2.0, 3.0]
