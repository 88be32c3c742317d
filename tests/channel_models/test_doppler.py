import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import j0
from scipy.stats import kstest, ncx2

from channel_models.doppler import SINUSOIDS, GaussMarkov, Jakes, coherence_time_s, doppler_hz
from channel_models.randomness import Stream

ROUNDING = 1e-12
MS = 1_000_000
STREAM = Stream(0, "fading")
CARRIER_HZ = 10 * 299_792_458.0 / (3 / 3.6)  # a walker at 3 km/h has a Doppler frequency of 10 Hz
WALK = Jakes(stream=STREAM, block_ns=MS, carrier_hz=CARRIER_HZ, speed_mps=3 / 3.6)
DOPPLER_HZ = 10.0
LINKS = 20_000
STANDARD_ERRORS = 4.9  # a right generator misses with probability 1e-6; the seed is fixed
KOLMOGOROV_D = math.sqrt(-math.log(1e-6 / 2) / 2 / LINKS)  # likewise
FINITE_SUM = 0.008  # how far the power of twenty sinusoids is from exponential: 0.1 / 20 and a little, at its worst
LAGS_S = [0.0, 0.005, 0.0242, 0.05, 0.2]
CROSSINGS = 0.05  # relative: 20 sinusoids cross 2 to 3 % oftener than infinitely many, and one standard error is 1 %


def at(fading, *seconds):
    return fading.complex_gain_at(np.arange(LINKS), np.array(seconds) * 1e9)


@pytest.mark.parametrize("lag_s", LAGS_S)
def test_autocorrelation_is_that_of_clarke(lag_s):
    """E[h(t) h*(t + lag)] = J0(2 pi f_d lag), realised over 20,000 links; one half at 0.242 / f_d."""
    start, later = at(WALK, 3.0, 3.0 + lag_s).T
    correlation = np.mean(start * later.conj())
    expected = j0(2 * math.pi * DOPPLER_HZ * lag_s)
    assert abs(correlation - expected) < STANDARD_ERRORS * math.sqrt(2 / LINKS)
    if lag_s == 0.0242:
        assert expected == pytest.approx(0.5, abs=2e-3)


@pytest.mark.parametrize("lag_s", LAGS_S)
def test_power_correlates_like_its_square_less_what_a_finite_sum_lacks(lag_s):
    """E[P Q] = 1 + J0^2 - sum |c_n|^2 / N^2, with c_n the mean of exp(j w lag) over sector n of N: its own waves are
    no pair."""

    def sector(number):
        angles = 2 * math.pi * number / SINUSOIDS, 2 * math.pi * (number + 1) / SINUSOIDS
        parts = [
            quad(lambda a, part=part: part(2 * math.pi * DOPPLER_HZ * lag_s * math.cos(a)), *angles)[0]
            for part in (math.cos, math.sin)
        ]
        return abs(complex(*parts)) * SINUSOIDS / (2 * math.pi)

    own = sum(sector(number) ** 2 for number in range(SINUSOIDS)) / SINUSOIDS**2
    start, later = np.abs(at(WALK, 3.0, 3.0 + lag_s).T) ** 2
    product = start * later
    expected = 1 + j0(2 * math.pi * DOPPLER_HZ * lag_s) ** 2 - own
    assert abs(product.mean() - expected) < STANDARD_ERRORS * product.std() / math.sqrt(LINKS)


def test_power_is_exponential_at_any_instant():
    for seconds in (0.0, 1234.5):
        power = np.abs(at(WALK, seconds)[:, 0]) ** 2
        assert kstest(power, "expon").statistic < KOLMOGOROV_D + FINITE_SUM


def test_levels_are_crossed_as_often_as_rice_says():
    """sqrt(2 pi) f_d q exp(-q^2) upward crossings a second of q times the root mean square; 100 links over 10 s."""
    times_ns = np.arange(0.0, 10e9, 1e6)
    amplitude = np.abs(WALK.complex_gain_at(np.arange(100), times_ns))
    for level in (0.5, 1.0):
        crossings = np.mean((amplitude[:, :-1] < level) & (amplitude[:, 1:] >= level)) * 1000.0
        expected = math.sqrt(2 * math.pi) * DOPPLER_HZ * level * math.exp(-(level**2))
        assert crossings == pytest.approx(expected, rel=CROSSINGS)


@pytest.mark.parametrize("fading", [WALK, GaussMarkov(stream=STREAM, block_ns=MS, correlation_time_s=0.02)])
def test_the_channel_does_not_depend_on_the_length_of_a_block(fading):
    """Gains in the middle of a block of 5 ms are those of the blocks of 1 ms there."""
    values = {name: getattr(fading, name) for name in fading.__dataclass_fields__} | {"block_ns": 5 * MS}
    links = np.arange(7)
    fine, coarse = fading.power_gain(links, 0, 500), type(fading)(**values).power_gain(links, 0, 100)
    np.testing.assert_allclose(coarse, fine[:, 2::5], rtol=1e-9)


@pytest.mark.parametrize("k_db", [0.0, 9.0])
def test_a_steady_path_makes_it_rician(k_db):
    """E[h(t) h*(t + lag)] over directions stays J0, as the steady path comes from anywhere too; Rice's distribution."""
    k, fading = 10 ** (k_db / 10), Jakes(
        stream=STREAM, block_ns=MS, carrier_hz=CARRIER_HZ, speed_mps=3 / 3.6, k_db=k_db
    )  # fmt: skip
    start, later = at(fading, 3.0, 3.03).T
    assert kstest(2 * (k + 1) * np.abs(start) ** 2, ncx2(2, 2 * k).cdf).statistic < KOLMOGOROV_D + FINITE_SUM
    assert abs(np.mean(start * later.conj()) - j0(2 * math.pi * DOPPLER_HZ * 0.03)) < STANDARD_ERRORS * math.sqrt(
        2 / LINKS
    )


@pytest.mark.parametrize("lag_s", [0.0, 0.01, 0.05, 0.2])
def test_gauss_markov_fading_forgets_exponentially(lag_s):
    fading = GaussMarkov(stream=STREAM, block_ns=MS, correlation_time_s=0.05)
    start, later = at(fading, 3.0, 3.0 + lag_s).T
    correlation = np.mean(start * later.conj())
    assert abs(correlation - math.exp(-lag_s / 0.05)) < STANDARD_ERRORS * math.sqrt(2 / LINKS)
    assert kstest(np.abs(start) ** 2, "expon").statistic < KOLMOGOROV_D + FINITE_SUM


def test_coherence_time_of_a_walker_and_of_a_car():
    """A Doppler frequency of 10 Hz at 3 km/h and 3.6 GHz; ten times the speed, a tenth of the time."""
    assert doppler_hz(3 / 3.6, CARRIER_HZ) == pytest.approx(DOPPLER_HZ, rel=ROUNDING)
    assert coherence_time_s(3 / 3.6, CARRIER_HZ) == pytest.approx(0.0423, rel=ROUNDING)
    assert coherence_time_s(30 / 3.6, CARRIER_HZ) == pytest.approx(0.00423, rel=ROUNDING)


@pytest.mark.parametrize(("speed_mps", "carrier_hz"), [(0.0, 2e9), (-1.0, 2e9), (1.0, 0.0)])
def test_a_link_at_rest_has_no_coherence_time(speed_mps, carrier_hz):
    with pytest.raises(ValueError, match="speed_mps and carrier_hz must be positive"):
        coherence_time_s(speed_mps, carrier_hz)


def test_blocks_longer_than_the_coherence_time_are_an_error():
    with pytest.raises(
        ValueError, match=r"a block must not be longer than the coherence time, 0\.0423 s at .*, got 0\.05 s"
    ):
        Jakes(stream=STREAM, block_ns=50 * MS, carrier_hz=CARRIER_HZ, speed_mps=3 / 3.6)


@pytest.mark.parametrize("time_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_correlation_time_is_positive(time_s):
    with pytest.raises(ValueError, match="correlation_time_s must be positive and finite"):
        GaussMarkov(stream=STREAM, block_ns=MS, correlation_time_s=time_s)
