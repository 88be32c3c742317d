import numpy as np

from channel_models.large_scale import LargeScale
from channel_models.mobility import Static
from channel_models.outdoor import UrbanMacro
from channel_models.pathloss import FreeSpace
from channel_models.penetration import Penetration
from channel_models.randomness import Stream
from channel_models.reach import Reach
from channel_models.shadowing import IndependentShadowing

CARRIER_HZ = 3.5e9
USERS = np.arange(400)
START = np.zeros(1, dtype=np.int64)
PEOPLE = Static(stream=Stream(0, "position"), radius_m=250.0, minimum_m=10.0)
INDEPENDENT = 4.9 / np.sqrt(len(USERS))  # correlation of right draws strays farther with probability 1e-6


def reach(pathloss=None, draw=0, mast_m=(0.0, 0.0), **options):
    shadowing = IndependentShadowing(stream=Stream(0, "shadowing"), draw=draw)
    ground = LargeScale(
        seed=0,
        pathloss=pathloss or FreeSpace(carrier_hz=CARRIER_HZ),
        shadowing=shadowing,
        sites=np.full(len(USERS), draw),
        draw=draw,
        **options,
    )
    return Reach(large_scale=ground, mobility=PEOPLE, mast_m=mast_m)


def loss_db(of):
    return -10 * np.log10(of.mean_gain(USERS, START)[:, 0])


def test_free_space_counts_the_distance_to_the_mast_wherever_it_stands():
    """Friis, with a mast 8.5 m above the users: 20 log10(4 pi d f / c)."""
    mast_m = (300.0, -40.0)
    apart_m = np.hypot(np.linalg.norm(PEOPLE.places_m(USERS, START)[:, 0] - mast_m, axis=1), 8.5)
    expected_db = 20 * np.log10(4 * np.pi * apart_m * CARRIER_HZ / 299_792_458)
    np.testing.assert_allclose(loss_db(reach(mast_m=mast_m, sigma_db=0.0)), expected_db)


def test_the_links_of_a_user_to_two_sites_are_shadowed_apart():
    calm, one, other = (loss_db(reach(sigma_db=sigma, draw=draw)) for sigma, draw in ((0.0, 0), (8.0, 0), (8.0, 1)))
    assert abs(np.corrcoef(one - calm, other - calm)[0, 1]) < INDEPENDENT


def test_a_user_is_behind_the_same_wall_whichever_site_looks():
    """Above 5 GHz by hundreds of decibels: whoever is indoors for one mast is for the other."""
    walls = {"indoor_share": 0.5, "penetration": Penetration(carrier_hz=CARRIER_HZ, building="simple")}
    uma = UrbanMacro(carrier_hz=CARRIER_HZ)
    depths = []
    for draw in (0, 1):
        inside, outside = (loss_db(reach(uma, draw, sigma_db=0.0, **options)) for options in (walls, {}))
        depths.append(inside - outside > 19.0)
    agree = np.mean(depths[0] == depths[1])
    assert agree > 0.97  # a user who sees a mast from the wall and not from its chair loses less: they are few
    assert 0.4 < depths[0].mean() < 0.6
