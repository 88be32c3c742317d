import math

import numpy as np
import pytest
from scipy.special import exp1
from scipy.stats import gamma, kstest, ncx2

from channel_models.fading import BlockNakagami, BlockRayleigh, BlockRician, NoFading
from channel_models.randomness import Stream
from cosim import registry

STREAM = Stream(0, "fading")
MS = 1_000_000
LINKS, BLOCKS = 200, 500
SAMPLES = LINKS * BLOCKS
STANDARD_ERRORS = 4.9  # a right generator misses with probability 1e-6; the seed is fixed
KOLMOGOROV_D = math.sqrt(-math.log(1e-6 / 2) / 2 / SAMPLES)  # likewise
ROUNDING = 1e-12
CARRIER_HZ = 3.5e9
# What each model must be told; the walker's coherence time is 36 ms
OPTIONS = {"nakagami": {"m": 2.5}, "jakes": {"speed_mps": 1.0}, "gauss_markov": {"correlation_time_s": 0.01}}


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


@pytest.mark.parametrize("k_db", [-20.0, 0.0, 9.0])
def test_rician_power_has_the_distribution_of_rice(k_db):
    """2 (K + 1) |h|^2 is noncentral chi-squared with two degrees of freedom and noncentrality 2 K."""
    k = 10 ** (k_db / 10)
    gains = BlockRician(stream=STREAM, block_ns=MS, k_db=k_db).power_gain(np.arange(LINKS), 0, BLOCKS).ravel()
    assert kstest(2 * (k + 1) * gains, ncx2(2, 2 * k).cdf).statistic < KOLMOGOROV_D
    variance = (1 + 2 * k) / (1 + k) ** 2
    assert abs(gains.mean() - 1.0) < STANDARD_ERRORS * math.sqrt(variance / SAMPLES)


@pytest.mark.parametrize("m", [0.5, 0.8, 1.0, 2.5, 20.0])
def test_nakagami_power_has_the_gamma_distribution(m):
    gains = BlockNakagami(stream=STREAM, block_ns=MS, m=m).power_gain(np.arange(LINKS), 0, BLOCKS).ravel()
    assert kstest(gains, gamma(m, scale=1 / m).cdf).statistic < KOLMOGOROV_D
    assert abs(gains.mean() - 1.0) < STANDARD_ERRORS * math.sqrt(1 / m / SAMPLES)


def make(name, block_ns=MS):
    """The fading as the world makes it: it supplies what the model asks for."""
    model = registry.find("fading", name)
    world = {"carrier_hz": CARRIER_HZ} if name == "jakes" else {}
    return model(stream=STREAM, block_ns=block_ns, **world, **OPTIONS.get(name, {}))


@pytest.mark.parametrize("name", registry.FAMILIES["fading"])
class TestEveryFading:
    def test_has_random_access_to_any_block_of_any_link(self, name):
        fading = make(name)
        whole = fading.power_gain(np.arange(6), 0, 40)
        assert whole.shape == (6, 40)
        assert (fading.power_gain(np.array([4, 1]), 17, 9) == whole[[4, 1], 17:26]).all()
        assert fading.power_gain(np.array([3]), 39, 1)[0, 0] == whole[3, 39]

    def test_leaves_the_others_alone_when_a_user_joins(self, name):
        fading = make(name)
        assert (fading.power_gain(np.arange(6), 5, 30)[:5] == fading.power_gain(np.arange(5), 5, 30)).all()

    def test_has_mean_power_one(self, name):
        """Links are independent, blocks may be correlated: the deviation counts over the links alone."""
        means = make(name).power_gain(np.arange(2000), 0, 20).mean(axis=1)
        assert abs(means.mean() - 1.0) < STANDARD_ERRORS * means.std() / math.sqrt(means.size) + ROUNDING

    @pytest.mark.parametrize("block_ns", [0, -1])
    def test_needs_a_block_of_some_length(self, name, block_ns):
        with pytest.raises(ValueError, match="block_ns must be at least 1"):
            make(name, block_ns)

    def test_knows_its_block_length(self, name):
        assert make(name).block_ns == MS


def test_no_fading_is_a_gain_of_one():
    assert (NoFading(block_ns=MS).power_gain(np.arange(3), 7, 5) == np.ones((3, 5))).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_options_must_be_finite(value):
    with pytest.raises(ValueError, match="k_db must be finite"):
        BlockRician(stream=STREAM, block_ns=MS, k_db=value)
    with pytest.raises(ValueError, match="m must be finite"):
        BlockNakagami(stream=STREAM, block_ns=MS, m=value)


def test_nakagami_below_one_half_is_none():
    with pytest.raises(ValueError, match=r"m must be at least 0\.5, got 0\.4"):
        BlockNakagami(stream=STREAM, block_ns=MS, m=0.4)
