from dataclasses import replace

import numpy as np
import pytest

from channel_models.decibels import db_to_linear, dbm_to_w
from channel_models.fading import BlockRayleigh, NoFading
from channel_models.links import RadioLinks
from channel_models.randomness import Stream
from channel_models.rates import TruncatedShannon

ROUNDING = 1e-12
MS = 1_000_000
LOSS_DB = np.array([100.0, 110.0, 120.0])


def radio_links(loss_db=LOSS_DB, fading=None):
    return RadioLinks(
        mean_gain=db_to_linear(-loss_db),
        transmit_power_w=np.full(len(loss_db), dbm_to_w(23.0)),
        noise_figure_db=5.0,
        fading=fading or NoFading(block_ns=MS),
    )


def rayleigh():
    return BlockRayleigh(stream=Stream(0, "fading"), block_ns=MS)


def test_rate_follows_the_link_budget():
    """23 dBm - 110 dB over -173.975 dBm/Hz + 10 log10(20 MHz) + 5 dB of noise: 8.965 dB, 3.151 b/s/Hz."""
    rate = radio_links().rates_bps(np.array([1]), 20e6, 1.0, 0, 1)
    snr = 10 ** ((23.0 - 110.0 - (-173.9752 + 73.0103 + 5.0)) / 10)
    assert rate[0, 0] == pytest.approx(20e6 * np.log2(1 + snr), rel=1e-4)  # the budget above is rounded to 1e-4 dB


def test_uplink_power_concentrates_in_a_narrower_band():
    links = np.arange(3)
    full = radio_links().rates_bps(links, 20e6, 1.0, 0, 1)
    half = radio_links().rates_bps(links, 10e6, 1.0, 0, 1)
    assert (half < full).all()
    assert (half > full / 2).all()


def test_downlink_shares_of_band_and_power_divide_the_rate():
    """With 1/n of the band and 1/n of the power the SNR stays, so the rate is 1/n."""
    links = np.arange(3)
    alone = radio_links().rates_bps(links, 20e6, 1.0, 0, 1)
    shared = radio_links().rates_bps(links, 20e6 / 4, 1 / 4, 0, 1)
    np.testing.assert_allclose(shared, alone / 4, rtol=ROUNDING)


def test_a_link_without_power_carries_nothing():
    assert radio_links().rates_bps(np.array([0]), 20e6, 0.0, 0, 2).tolist() == [[0.0, 0.0]]


def test_each_link_may_hold_a_share_of_its_own():
    links, bands_hz, shares = np.array([2, 0]), np.array([5e6, 15e6]), np.array([0.25, 0.75])
    both = radio_links(fading=rayleigh()).rates_bps(links, bands_hz, shares, 3, 8)
    for row in range(2):
        one = radio_links(fading=rayleigh()).rates_bps(links[row : row + 1], bands_hz[row], shares[row], 3, 8)
        assert (both[row] == one[0]).all()


def test_adding_a_user_leaves_the_rates_of_the_others_bit_identical():
    few = radio_links(fading=rayleigh()).rates_bps(np.arange(3), 5e6, 1.0, 10, 50)
    more = radio_links(np.append(LOSS_DB, 90.0), rayleigh()).rates_bps(np.arange(4), 5e6, 1.0, 10, 50)
    assert (more[:3] == few).all()


def test_fading_scales_the_snr_of_each_block():
    links = np.arange(3)
    gain = rayleigh().power_gain(links, 4, 6)
    faded = radio_links(fading=rayleigh()).rates_bps(links, 20e6, 1.0, 4, 6)
    steady_snr = 2 ** (radio_links().rates_bps(links, 20e6, 1.0, 4, 6) / 20e6) - 1
    np.testing.assert_allclose(2 ** (faded / 20e6) - 1, steady_snr * gain, rtol=1e-9)  # 2^x - 1 cancels digits


@pytest.mark.parametrize("field", ["mean_gain", "transmit_power_w"])
def test_links_without_gain_or_power_are_an_error(field):
    values = {"mean_gain": np.ones(2), "transmit_power_w": np.ones(2), field: np.array([1.0, 0.0])}
    with pytest.raises(ValueError, match=f"{field} must be positive"):
        RadioLinks(**values, noise_figure_db=5.0, fading=NoFading(block_ns=MS))


def test_links_of_unequal_lengths_are_an_error():
    with pytest.raises(ValueError, match=r"must both have shape \(n,\), got \(2,\) and \(3,\)"):
        RadioLinks(mean_gain=np.ones(2), transmit_power_w=np.ones(3), noise_figure_db=5.0, fading=NoFading(block_ns=MS))


def test_interference_counts_as_noise_does():
    """As much again as the noise halves the SINR, for all links or each its own."""
    links, band_hz = np.arange(3), 20e6
    noise_w = 1.380649e-23 * 290.0 * 10**0.5 * band_hz
    quiet_snr = 2 ** (radio_links().rates_bps(links, band_hz, 1.0, 0, 2) / band_hz) - 1
    for interference_w, divisor in (
        (noise_w, np.full((3, 2), 2.0)),
        (noise_w * np.array([0.0, 1.0, 3.0]), np.array([[1.0], [2.0], [4.0]])),
        (noise_w * np.array([[0.0, 1.0]] * 3), np.array([[1.0, 2.0]] * 3)),
    ):
        sinr = 2 ** (radio_links().rates_bps(links, band_hz, 1.0, 0, 2, interference_w) / band_hz) - 1
        np.testing.assert_allclose(sinr, quiet_snr / divisor, rtol=1e-9)  # 2^x - 1 cancels digits


def test_the_rate_model_makes_the_bits():
    links = replace(radio_links(), rate=TruncatedShannon(attenuation=0.5, most_bps_per_hz=100.0))
    halves = links.rates_bps(np.arange(3), 20e6, 1.0, 0, 1)
    np.testing.assert_allclose(halves, radio_links().rates_bps(np.arange(3), 20e6, 1.0, 0, 1) / 2, rtol=ROUNDING)
