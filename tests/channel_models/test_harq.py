import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_models.harq import bler, expected_attempts, expected_delay_s, failures

ROUNDING = 1e-12
FIT = 0.12  # the logistic has one slope where the measured waterfall bends: largest difference, in the middle
ONE = np.array([1.0])


def test_the_error_rate_is_the_target_at_the_threshold():
    assert bler(ONE, ONE, 0.1)[0] == pytest.approx(0.1, rel=ROUNDING)
    assert bler(ONE, ONE, 1e-5)[0] == pytest.approx(1e-5, rel=1e-9)  # 1 / (1 + e^11.5) cancels digits


def test_the_waterfall_is_about_as_steep_as_that_of_a_real_code():
    """A link simulation of an NR code block of 3,840 bits at QPSK: 0.61, 0.134, 0.0058 at 1.73, 1.965, 2.2 dB."""
    sinr, threshold = 10 ** (np.array([1.73, 1.965, 2.2]) / 10), 10 ** (np.array([1.99]) / 10)
    np.testing.assert_allclose(bler(sinr, threshold, 0.1), [0.61, 0.134, 0.0058], rtol=0, atol=FIT)


@given(st.floats(0.0, 1e12), st.floats(1e-6, 1e6))
def test_the_error_rate_is_a_probability_for_any_signal(sinr, threshold):
    rate = bler(np.array([sinr]), np.array([threshold]), 0.1)[0]
    assert 0.0 <= rate <= 1.0


def test_attempts_have_the_mean_of_the_closed_form():
    """1 + p1 + p1 p2 + p1 p2 p3 with p_k the error rate at k times the SINR; without combining (flat waterfall)
    the geometric sum (1 - p^4) / (1 - p)."""
    sinr, threshold = np.array([0.9]), np.array([1.0])
    p1, p2, p3 = (bler(k * sinr, threshold, 0.1)[0] for k in (1, 2, 3))
    failed = failures(sinr, threshold, 0.1, 4)
    assert failed.shape == (4, 1)
    assert expected_attempts(failed)[0] == pytest.approx(1 + p1 + p1 * p2 + p1 * p2 * p3, rel=ROUNDING)
    flat = failures(sinr, threshold, 0.3, 4, slope_per_db=1e-12)
    assert expected_attempts(flat)[0] == pytest.approx((1 - 0.3**4) / 0.7, rel=1e-9)  # nearly flat
    assert flat[-1, 0] == pytest.approx(0.3**4, rel=1e-9)


def test_a_single_attempt_adds_no_delay_and_each_repetition_a_round_trip():
    assert expected_delay_s(failures(ONE, ONE, 0.1, 1), 8e-3)[0] == 0.0
    hopeless = failures(np.array([1e-9]), ONE, 0.1, 3)
    assert expected_delay_s(hopeless, 8e-3)[0] == pytest.approx(2 * 8e-3, rel=ROUNDING)
