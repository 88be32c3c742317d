import math

import numpy as np
import pytest

from channel_models.penetration import Penetration, depth_m
from channel_models.randomness import Stream

USERS = 100_000
STANDARD_ERRORS = 4.9  # a right generator misses with probability 1e-6; the seed is fixed
BY_HAND_DB = 0.01


@pytest.mark.parametrize(
    ("building", "carrier_hz", "wall_db"),
    [("low", 3.5e9, 12.70), ("high", 3.5e9, 26.85), ("simple", 3.5e9, 20.0), ("low", 28e9, 17.83)],
)
def test_walls_take_what_the_table_of_materials_says(building, carrier_hz, wall_db):
    """At 3.5 GHz: glass 2.7 dB, coated glass 24.05 dB, concrete 19 dB; -10 log10 of what passes, plus 5 dB."""
    assert Penetration(carrier_hz=carrier_hz, building=building).wall_db == pytest.approx(wall_db, abs=BY_HAND_DB)


@pytest.mark.parametrize(("building", "sigma_db"), [("low", 4.4), ("high", 6.5), ("simple", 0.0)])
def test_walls_differ_from_building_to_building(building, sigma_db):
    penetration, links = Penetration(carrier_hz=3.5e9, building=building), np.arange(USERS)
    loss_db = penetration.loss_db(Stream(0, "wall"), links, np.full(USERS, 10.0))
    expected_db = penetration.wall_db + 0.5 * 10.0
    assert abs(loss_db.mean() - expected_db) <= STANDARD_ERRORS * sigma_db / math.sqrt(USERS) + 1e-9
    assert abs(loss_db.std() - sigma_db) <= STANDARD_ERRORS * sigma_db / math.sqrt(2 * USERS) + 1e-9
    assert (loss_db == penetration.loss_db(Stream(0, "wall"), links, np.full(USERS, 10.0))).all()


def test_depth_is_the_lesser_of_two_uniform_numbers():
    """Mean a third, mean square a sixth of the greatest depth and of its square."""
    depths = depth_m(Stream(0, "depth"), np.arange(USERS), 25.0) / 25.0
    assert abs(depths.mean() - 1 / 3) < STANDARD_ERRORS * math.sqrt(1 / 18 / USERS)
    assert abs(np.square(depths).mean() - 1 / 6) < STANDARD_ERRORS * math.sqrt(1 / 15 / USERS)
    assert depths.min() > 0
    assert depths.max() < 1


def test_unknown_buildings_and_carriers_are_errors():
    with pytest.raises(ValueError, match="building must be one of low, high, simple, got 'tent'"):
        Penetration(carrier_hz=2e9, building="tent")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="carrier_hz must be positive, got 0"):
        Penetration(carrier_hz=0.0)
