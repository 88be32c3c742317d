import math

import numpy as np
import pytest
from scipy.special import exp1

from channel_models.fading import BlockRayleigh, NoFading, coherence_time_s
from channel_models.randomness import Stream
from cosim import registry

STREAM = Stream(0, "fading")
MS = 1_000_000
LINKS, BLOCKS = 200, 500
SAMPLES = LINKS * BLOCKS
STANDARD_ERRORS = 4.9  # a right generator misses with probability 1e-6; the seed is fixed
KOLMOGOROV_D = math.sqrt(-math.log(1e-6 / 2) / 2 / SAMPLES)  # likewise
ROUNDING = 1e-12


@pytest.fixture(scope="module")
def gains():
    return BlockRayleigh(stream=STREAM, block_ns=MS).power_gain(np.arange(LINKS), 0, BLOCKS)


def test_rayleigh_power_is_exponential_with_mean_one(gains):
    assert abs(gains.mean() - 1.0) < STANDARD_ERRORS / math.sqrt(SAMPLES)
    assert abs(gains.var() - 1.0) < STANDARD_ERRORS * math.sqrt(8 / SAMPLES)
    cdf = -np.expm1(-np.sort(gains.ravel()))
    steps = np.arange(SAMPLES + 1) / SAMPLES
    assert max((steps[1:] - cdf).max(), (cdf - steps[:-1]).max()) < KOLMOGOROV_D


def test_rayleigh_capacity_at_ten_decibels_is_the_ergodic_one(gains):
    """E[log2(1 + g X)] = e^(1/g) E1(1/g) / ln 2 for X ~ Exp(1)."""
    snr = 10.0
    exact = math.exp(1 / snr) * exp1(1 / snr) / math.log(2)
    assert exact == pytest.approx(2.9065, abs=5e-5)
    capacity = np.log2(1 + snr * gains)
    assert abs(capacity.mean() - exact) < STANDARD_ERRORS * capacity.std() / math.sqrt(SAMPLES)


def test_rayleigh_outage_is_that_of_an_exponential(gains):
    snr, rate = 10.0, 1.0
    exact = 1 - math.exp(-(2**rate - 1) / snr)
    outage = np.mean(np.log2(1 + snr * gains) < rate)
    assert abs(outage - exact) < STANDARD_ERRORS * math.sqrt(exact * (1 - exact) / SAMPLES)


def test_rayleigh_blocks_and_links_are_independent(gains):
    centred = gains - 1.0
    bound = STANDARD_ERRORS / math.sqrt(SAMPLES - max(LINKS, BLOCKS))
    assert abs(np.mean(centred[:, 1:] * centred[:, :-1])) < bound
    assert abs(np.mean(centred[1:] * centred[:-1])) < bound


@pytest.mark.parametrize("name", registry.FAMILIES["fading"])
class TestEveryFading:
    def test_has_random_access_to_any_block_of_any_link(self, name):
        fading = registry.find("fading", name)(stream=STREAM, block_ns=MS)
        whole = fading.power_gain(np.arange(6), 0, 40)
        assert whole.shape == (6, 40)
        assert (fading.power_gain(np.array([4, 1]), 17, 9) == whole[[4, 1], 17:26]).all()
        assert fading.power_gain(np.array([3]), 39, 1)[0, 0] == whole[3, 39]

    def test_leaves_the_others_alone_when_a_user_joins(self, name):
        fading = registry.find("fading", name)(stream=STREAM, block_ns=MS)
        assert (fading.power_gain(np.arange(6), 5, 30)[:5] == fading.power_gain(np.arange(5), 5, 30)).all()

    def test_has_mean_power_one(self, name):
        gains = registry.find("fading", name)(stream=STREAM, block_ns=MS).power_gain(np.arange(100), 0, 100)
        assert abs(gains.mean() - 1.0) < STANDARD_ERRORS * gains.std() / math.sqrt(gains.size) + ROUNDING

    @pytest.mark.parametrize("block_ns", [0, -1])
    def test_needs_a_block_of_some_length(self, name, block_ns):
        with pytest.raises(ValueError, match="block_ns must be at least 1"):
            registry.find("fading", name)(stream=STREAM, block_ns=block_ns)

    def test_knows_its_block_length(self, name):
        assert registry.find("fading", name)(stream=STREAM, block_ns=MS).block_ns == MS


def test_no_fading_is_a_gain_of_one():
    assert (NoFading(block_ns=MS).power_gain(np.arange(3), 7, 5) == np.ones((3, 5))).all()


def test_coherence_time_of_a_walker_and_of_a_car():
    """A Doppler frequency of 10 Hz at 3 km/h and 3.6 GHz; ten times the speed, a tenth of the time."""
    carrier_hz = 10 * 299_792_458.0 / (3 / 3.6)
    assert coherence_time_s(3 / 3.6, carrier_hz) == pytest.approx(0.0423, rel=ROUNDING)
    assert coherence_time_s(30 / 3.6, carrier_hz) == pytest.approx(0.00423, rel=ROUNDING)


@pytest.mark.parametrize(("speed_mps", "carrier_hz"), [(0.0, 2e9), (-1.0, 2e9), (1.0, 0.0)])
def test_a_link_at_rest_has_no_coherence_time(speed_mps, carrier_hz):
    with pytest.raises(ValueError, match="speed_mps and carrier_hz must be positive"):
        coherence_time_s(speed_mps, carrier_hz)
