import math

import numpy as np
import pytest

from channel_models.geometry import distance_m, uniform_disc
from channel_models.randomness import Stream

USERS = 50_000
RADIUS_M, MINIMUM_M = 250.0, 35.0
STREAM = Stream(0, "positions")

# The largest distance of an empirical from the exact distribution that chance exceeds with probability 1e-6
KOLMOGOROV_D = math.sqrt(-math.log(1e-6 / 2) / 2 / USERS)


def distance_from_uniform(samples):
    steps = np.arange(len(samples) + 1) / len(samples)
    ordered = np.sort(samples)
    return max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max())


def test_users_are_uniform_over_the_area_of_the_ring():
    x, y = uniform_disc(STREAM, np.arange(USERS), RADIUS_M, MINIMUM_M).T
    area_share = (x**2 + y**2 - MINIMUM_M**2) / (RADIUS_M**2 - MINIMUM_M**2)
    assert distance_from_uniform(area_share) < KOLMOGOROV_D
    assert distance_from_uniform((np.arctan2(y, x) / math.pi + 1.0) / 2.0) < KOLMOGOROV_D


def test_nobody_stands_within_the_minimum_or_beyond_the_radius():
    distances = distance_m(uniform_disc(STREAM, np.arange(USERS), RADIUS_M, MINIMUM_M), np.zeros(2))
    assert distances.min() >= MINIMUM_M * (1 - 1e-12)
    assert distances.max() <= RADIUS_M * (1 + 1e-12)


def test_a_newcomer_moves_nobody():
    few = uniform_disc(STREAM, np.arange(7), RADIUS_M, MINIMUM_M)
    many = uniform_disc(STREAM, np.arange(8), RADIUS_M, MINIMUM_M)
    assert (many[:7] == few).all()


def test_equal_radii_put_everybody_on_a_circle():
    positions = uniform_disc(STREAM, np.arange(5), 100.0, 100.0)
    np.testing.assert_allclose(distance_m(positions, np.zeros(2)), 100.0, rtol=1e-12)


@pytest.mark.parametrize("minimum_m", [-1.0, 251.0, float("nan")])
def test_an_impossible_ring_is_an_error(minimum_m):
    with pytest.raises(ValueError, match="minimum_m must lie between 0 and radius_m"):
        uniform_disc(STREAM, np.arange(3), RADIUS_M, minimum_m)


def test_distances_are_euclidean_and_broadcast():
    users = np.array([[3.0, 4.0], [0.0, 0.0]])
    masts = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    assert distance_m(users[:, None], masts).tolist() == [[5.0, 4.0, 0.0], [0.0, 3.0, 5.0]]
