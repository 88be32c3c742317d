import math

import numpy as np
import pytest

from channel_models.geometry import Geometry
from channel_models.indoor import IndoorOffice
from channel_models.large_scale import LargeScale
from channel_models.outdoor import UrbanMacro, UrbanMicro
from channel_models.pathloss import MacroPathLoss
from channel_models.penetration import Penetration
from channel_models.randomness import Stream
from channel_models.shadowing import GudmundsonShadowing, IndependentShadowing

CARRIER_HZ = 3.5e9
USERS = 4_000
STANDARD_ERRORS = 4.9  # right draws miss with probability 1e-6; the seed is fixed
FINITE_WAVES = 0.01  # what a sum of waves strays from a uniform number
NO_WAVES_DB = 0.15  # deviations of a field of 96 waves: kurtosis and sampling, of 4 to 7 dB
UMA = UrbanMacro(carrier_hz=CARRIER_HZ)


def large_scale(pathloss=UMA, sites=None, shadowing=None, **options):
    """Each user at a site of its own, unless said otherwise, so that all draws are independent."""
    return LargeScale(
        seed=0,
        pathloss=pathloss,
        shadowing=shadowing or IndependentShadowing(stream=Stream(0, "shadowing")),
        sites=np.arange(USERS) if sites is None else sites,
        **options,
    )


def ring(distance_m, users=USERS):
    turn = 2 * np.pi * np.arange(users) / users
    return distance_m * np.stack([np.cos(turn), np.sin(turn)], axis=-1)


@pytest.mark.parametrize("distance_m", [10.0, 50.0, 100.0, 200.0])
def test_as_many_users_are_in_sight_as_the_formula_says(distance_m):
    """4,000 users, each round a mast of its own."""
    seen = large_scale().in_sight(np.arange(USERS), ring(distance_m))
    link = Geometry(distance_2d_m=np.array([distance_m]), base_height_m=25.0, user_height_m=1.5)
    probability = UMA.sight_probability(link)[0]
    assert abs(seen.mean() - probability) <= (
        STANDARD_ERRORS * math.sqrt(probability * (1 - probability) / USERS) + FINITE_WAVES * (probability < 1)
    )


def test_neighbours_agree_on_the_line_of_sight_and_strangers_as_by_chance():
    """Of pairs a metre apart nine of ten agree; of pairs half a kilometre apart as many as independent draws would."""
    sites, users = np.repeat(np.arange(USERS // 2), 2), np.arange(USERS)

    def seen(*pair):
        return large_scale(sites=sites).in_sight(users, np.tile(pair, (USERS // 2, 1))).reshape(-1, 2)

    near = seen([60.0, 0.0], [61.0, 0.0])
    assert np.mean(near[:, 0] == near[:, 1]) > 0.9
    far = seen([60.0, 0.0], [-100.0, 500.0])
    one, other = far.mean(axis=0)
    by_chance = one * other + (1 - one) * (1 - other)
    assert abs(np.mean(far[:, 0] == far[:, 1]) - by_chance) < STANDARD_ERRORS * math.sqrt(0.25 / len(far))


def test_loss_is_path_loss_plus_shadowing_of_the_models_deviation():
    links, places = np.arange(USERS), ring(100.0)
    model = large_scale()
    loss_db, seen = model.loss_db(links, places), model.in_sight(links, places)
    for state, sigma_db, mean_db in ((seen, 4.0, 83.14), (~seen, 6.0, 103.04)):
        count = state.sum()
        assert abs(loss_db[state].mean() - mean_db) < STANDARD_ERRORS * sigma_db / math.sqrt(count) + 0.01
        assert abs(loss_db[state].std() - sigma_db) < STANDARD_ERRORS * sigma_db / math.sqrt(2 * count)


def test_correlated_shadowing_has_the_models_deviation_too():
    links, places = np.arange(USERS), ring(100.0)
    fields = GudmundsonShadowing(stream=Stream(0, "shadowing"), decorrelation_m=UMA.environment.decorrelation_m)
    model = large_scale(shadowing=fields)
    loss_db, seen = model.loss_db(links, places), model.in_sight(links, places)
    assert loss_db[seen].std() == pytest.approx(4.0, abs=NO_WAVES_DB)
    assert loss_db[~seen].std() == pytest.approx(6.0, abs=NO_WAVES_DB)


def test_a_given_deviation_replaces_the_models():
    links, places = np.arange(USERS), ring(100.0)
    calm, wild = large_scale(sigma_db=0.0), large_scale(sigma_db=10.0)
    shadow_db = wild.loss_db(links, places) - calm.loss_db(links, places)
    assert abs(shadow_db.std() - 10.0) < STANDARD_ERRORS * 10 / math.sqrt(2 * USERS)


def test_users_indoors_pay_for_wall_and_depth_and_have_the_shadowing_of_indoors():
    """Wall 12.70 dB with 4.4 dB, depth 25/3 m at half a decibel a metre with deviation sqrt(25^2 / 18) / 2; 7 dB."""
    links, places = np.arange(USERS), ring(300.0)
    model = large_scale(UrbanMicro(carrier_hz=CARRIER_HZ), indoor_share=1.0, penetration=Penetration(carrier_hz=3.5e9))
    outdoors = large_scale(UrbanMicro(carrier_hz=CARRIER_HZ), sigma_db=0.0)
    hidden = ~model.in_sight(links, places) & ~outdoors.in_sight(links, places)
    extra_db = (model.loss_db(links, places) - outdoors.loss_db(links, places))[hidden]
    expected_db, sigma_db = 12.70 + 25 / 6, math.sqrt(4.4**2 + 625 / 72 + 7.0**2)
    assert abs(extra_db.mean() - expected_db) < STANDARD_ERRORS * sigma_db / math.sqrt(len(extra_db)) + 0.01
    assert abs(extra_db.std() - sigma_db) < STANDARD_ERRORS * sigma_db / math.sqrt(2 * len(extra_db))


def test_the_share_of_users_is_indoors():
    links, places = np.arange(USERS), ring(300.0)
    walls = Penetration(carrier_hz=3.5e9, building="simple")
    mixed = large_scale(sigma_db=0.0, indoor_share=0.8, penetration=walls).loss_db(links, places)
    outside = large_scale(sigma_db=0.0).loss_db(links, places)
    inside = np.mean(mixed - outside > 19.0)
    # a user who sees the mast from the wall and not from its chair loses less than 20 dB: they are few
    assert abs(inside - 0.8) < STANDARD_ERRORS * math.sqrt(0.8 * 0.2 / USERS) + 0.01


def test_loss_is_a_function_of_link_and_place():
    links, places = np.arange(50), ring(150.0, 50)
    fields = GudmundsonShadowing(stream=Stream(0, "shadowing"), decorrelation_m=(37.0, 50.0, 7.0))
    options = {"indoor_share": 0.5, "penetration": Penetration(carrier_hz=3.5e9), "shadowing": fields}
    whole = large_scale(**options).loss_db(links, places)
    some = np.array([31, 4, 17])
    assert (large_scale(**options).loss_db(links[some], places[some]) == whole[some]).all()


def test_impossible_surroundings_are_errors():
    walls = Penetration(carrier_hz=3.5e9)
    with pytest.raises(ValueError, match="indoor_share must lie between 0 and 1, got 2"):
        large_scale(indoor_share=2.0)
    with pytest.raises(ValueError, match="sigma_db must not be negative, got -1"):
        large_scale(sigma_db=-1.0)
    with pytest.raises(ValueError, match="penetration must be given"):
        large_scale(indoor_share=0.5)
    for pathloss in (IndoorOffice(carrier_hz=CARRIER_HZ), MacroPathLoss(carrier_hz=CARRIER_HZ)):
        with pytest.raises(ValueError, match="which has no buildings"):
            large_scale(pathloss, indoor_share=0.5, penetration=walls)
