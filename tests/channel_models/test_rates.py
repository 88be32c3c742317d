import math

import numpy as np
import pytest
from scipy.special import exp1

from channel_models.fading import BlockRayleigh
from channel_models.randomness import Stream
from channel_models.rates import Shannon, TruncatedShannon
from cosim import registry

ROUNDING = 1e-12
SINR = 10 ** (np.arange(-20.0, 40.0, 0.5) / 10)
SAMPLES = 200_000
STANDARD_ERRORS = 4.9  # a right generator misses with probability 1e-6; the seed is fixed


def test_each_doubling_of_one_plus_snr_adds_a_bit_per_hertz():
    rate = Shannon().bps(1e6, np.array([0.0, 1.0, 3.0, 7.0, 1023.0]))
    np.testing.assert_allclose(rate, [0.0, 1e6, 2e6, 3e6, 10e6], rtol=ROUNDING)


def test_a_very_weak_link_still_has_the_rate_of_its_power():
    """log2(1 + x) tends to x / ln 2, also where 1 + x rounds to 1."""
    assert Shannon().bps(1.0, np.array([1e-20]))[0] == pytest.approx(1e-20 / math.log(2), rel=ROUNDING)


def test_rayleigh_fading_leaves_shannon_its_ergodic_capacity():
    """At 10 dB e^(1/10) E1(1/10) / ln 2 = 2.9065 bit/s/Hz."""
    gain = BlockRayleigh(stream=Stream(0, "fading"), block_ns=1).power_gain(np.arange(SAMPLES), 0, 1)
    rate = Shannon().bps(1.0, 10.0 * gain)
    exact = math.exp(0.1) * exp1(0.1) / math.log(2)
    assert exact == pytest.approx(2.9065, abs=5e-5)
    assert abs(rate.mean() - exact) < STANDARD_ERRORS * rate.std() / math.sqrt(SAMPLES)


@pytest.mark.parametrize(("direction", "share", "most"), [("downlink", 0.6, 4.4), ("uplink", 0.4, 2.0)])
def test_truncated_shannon_is_nothing_a_share_and_a_most(direction, share, most):
    """Below -10 dB nothing; at 5 dB the share of log2(1 + SINR); at 40 dB the most."""
    sinr = 10 ** (np.array([-10.001, -9.999, 5.0, 40.0]) / 10)
    rate = TruncatedShannon(direction=direction).bps(1e6, sinr)
    expected = np.array([0.0, share * np.log2(1 + sinr[1]), share * np.log2(1 + sinr[2]), most]) * 1e6
    np.testing.assert_allclose(rate, expected, rtol=ROUNDING)


def test_what_is_given_of_truncated_shannon_replaces_the_direction_s():
    rate = TruncatedShannon(attenuation=1.0, least_sinr_db=0.0, most_bps_per_hz=6.0).bps(1.0, np.array([0.9, 3.0, 1e9]))
    np.testing.assert_allclose(rate, [0.0, 2.0, 6.0], rtol=ROUNDING)


def test_impossible_truncations_are_errors():
    with pytest.raises(ValueError, match="direction must be one of downlink, uplink, got 'sideways'"):
        TruncatedShannon(direction="sideways")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="attenuation must be positive, got 0"):
        TruncatedShannon(attenuation=0.0)


@pytest.mark.parametrize("name", registry.FAMILIES["rate"])
class TestEveryRate:
    def test_never_falls_as_the_signal_gets_better(self, name):
        rate = registry.find("rate", name)().bps(1e6, SINR)
        assert (np.diff(rate) >= 0).all()
        assert rate[0] >= 0
        assert np.isfinite(rate).all()

    def test_never_beats_the_capacity(self, name):
        assert (registry.find("rate", name)().bps(1e6, SINR) <= Shannon().bps(1e6, SINR) * (1 + ROUNDING)).all()

    def test_is_nothing_without_a_signal(self, name):
        assert registry.find("rate", name)().bps(1e6, np.zeros(2)).tolist() == [0.0, 0.0]

    def test_is_in_proportion_to_the_band(self, name):
        rate = registry.find("rate", name)()
        bands_hz = np.array([[1e6], [2e6]])
        both = rate.bps(bands_hz, SINR)
        assert both.shape == (2, len(SINR))
        np.testing.assert_allclose(both[1], 2 * both[0], rtol=ROUNDING)
        assert (both[0] == rate.bps(1e6, SINR)).all()
