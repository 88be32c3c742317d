"""Drops of the papers' cell against the moments of their distributions."""

import numpy as np
import pytest

from cosim.allocation.drops import NOISE_W_PER_HZ, gains

DEVIATIONS = 4.0
"""Of a mean: one draw in sixteen thousand is farther out."""


def test_losses_have_the_mean_and_the_spread_of_path_loss_and_shadowing() -> None:
    """Of the formula's own values for places drawn otherwise."""
    draw = np.random.default_rng(0)
    distance_km = np.hypot(*draw.uniform(-0.25, 0.25, (2, 100_000)))
    expected_db = 128.1 + 37.6 * np.log10(np.maximum(distance_km, 1e-3)) + 8.0 * draw.normal(size=100_000)
    loss_db = -10.0 * np.log10(gains(drops=1000, users=50, seed=3))
    error_db = np.hypot(expected_db.std() / 100_000**0.5, loss_db.std() / 50_000**0.5)
    assert loss_db.mean() == pytest.approx(expected_db.mean(), abs=DEVIATIONS * error_db)
    assert loss_db.std() == pytest.approx(expected_db.std(), rel=0.02)  # of 50,000 draws, with a tail near the mast


def test_more_users_or_drops_leave_the_others_as_they_were() -> None:
    few = gains(drops=3, users=4, seed=1)
    assert np.array_equal(gains(drops=5, users=9, seed=1)[:3, :4], few)
    assert not np.array_equal(gains(drops=3, users=4, seed=2), few)


def test_noise_is_minus_174_dbm_a_hertz() -> None:
    assert pytest.approx(10**-20.4) == NOISE_W_PER_HZ
