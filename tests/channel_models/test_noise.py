import numpy as np
import pytest

from channel_models.decibels import w_to_dbm
from channel_models.noise import noise_w

PRINTED_DB = 0.01  # the references print two decimals, one of them from a density rounded to three


@pytest.mark.parametrize(
    ("bandwidth_hz", "noise_figure_db", "noise_dbm"),
    [(1.0, 0.0, -173.975), (20e6, 0.0, -100.96), (20e6, 7.0, -93.97), (180e3, 9.0, -112.42)],
)
def test_noise_is_minus_174_dbm_per_hertz_and_the_noise_figure(bandwidth_hz, noise_figure_db, noise_dbm):
    assert w_to_dbm(noise_w(bandwidth_hz, noise_figure_db)) == pytest.approx(noise_dbm, abs=PRINTED_DB)


def test_each_link_has_the_noise_of_its_own_band():
    bands_hz = np.array([1e6, 2e6])
    assert noise_w(bands_hz, 5.0).tolist() == [noise_w(1e6, 5.0), noise_w(2e6, 5.0)]


@pytest.mark.parametrize("bandwidth_hz", [0.0, -1.0, float("nan")])
def test_a_band_of_no_width_is_an_error(bandwidth_hz):
    with pytest.raises(ValueError, match="bandwidth_hz must be positive"):
        noise_w(bandwidth_hz, 5.0)
