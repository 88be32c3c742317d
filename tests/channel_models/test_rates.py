import math

import numpy as np
import pytest

from channel_models.rates import shannon_bps

ROUNDING = 1e-12


def test_each_doubling_of_one_plus_snr_adds_a_bit_per_hertz():
    rate = shannon_bps(1e6, np.array([0.0, 1.0, 3.0, 7.0, 1023.0]))
    np.testing.assert_allclose(rate, [0.0, 1e6, 2e6, 3e6, 10e6], rtol=ROUNDING)


def test_a_very_weak_link_still_has_the_rate_of_its_power():
    """log2(1 + x) tends to x / ln 2, also where 1 + x rounds to 1."""
    assert shannon_bps(1.0, np.array([1e-20]))[0] == pytest.approx(1e-20 / math.log(2), rel=ROUNDING)


def test_bandwidth_and_snr_broadcast():
    assert shannon_bps(np.array([[1e6], [2e6]]), np.ones((2, 3))).shape == (2, 3)
