import numpy as np
import pytest

from channel_models.drift import Drifting, Track
from channel_models.fading import BlockRayleigh, NoFading
from channel_models.large_scale import LargeScale
from channel_models.mobility import RandomWalk, Static
from channel_models.outdoor import UrbanMacro
from channel_models.pathloss import FreeSpace
from channel_models.randomness import Stream
from channel_models.reach import Reach
from channel_models.shadowing import GudmundsonShadowing, IndependentShadowing

MS = 1_000_000
USERS = 20
ALL = np.arange(USERS)
START = np.zeros(1, dtype=np.int64)
WALK = RandomWalk(stream=Stream(0, "position"), radius_m=200.0, least_speed_mps=1.0, greatest_speed_mps=20.0)
STREET = LargeScale(
    seed=0,
    pathloss=UrbanMacro(carrier_hz=3.5e9),
    shadowing=GudmundsonShadowing(stream=Stream(0, "shadowing"), decorrelation_m=(37.0, 50.0, 7.0)),
    sites=ALL % 2,
)
FIELD = LargeScale(
    seed=0, pathloss=FreeSpace(carrier_hz=3.5e9), shadowing=IndependentShadowing(stream=Stream(0, "s")), sites=ALL
)
STRAIGHT = 0.03  # relative: free space bends away from a straight line over the metre between two steps, near the mast


def drifting(ground, fading=None, block_ns=MS):
    reach = Reach(large_scale=ground, mobility=WALK)
    track = Track(reach=reach, start=reach.mean_gain(ALL, START)[:, 0])
    return Drifting(fading=fading or NoFading(block_ns=block_ns), track=track)


def test_the_mean_follows_the_user():
    """Free space: the gain at a block's middle goes as the inverse square of the distance there, mast 8.5 m up."""
    gains = drifting(FIELD).power_gain(ALL, 5000, 3000)
    times_ns = (np.arange(5000, 8000) * MS) + MS // 2
    squares = np.square(WALK.places_m(ALL, np.append(times_ns, 0))).sum(axis=-1) + 8.5**2
    np.testing.assert_allclose(gains, squares[:, -1:] / squares[:, :-1], rtol=STRAIGHT)


def test_gains_begin_near_one():
    np.testing.assert_allclose(drifting(FIELD).power_gain(ALL, 0, 1), 1.0, rtol=1e-2)  # half a block at 20 m/s: 1 cm


@pytest.mark.parametrize("ground", [STREET, FIELD])
def test_gains_are_a_function_of_link_and_block(ground):
    fading = BlockRayleigh(stream=Stream(0, "fading"), block_ns=20 * MS)
    whole = drifting(ground, fading).power_gain(ALL, 0, 400)
    some = np.array([13, 2])
    assert (drifting(ground, fading).power_gain(some, 250, 100) == whole[some, 250:350]).all()


def test_fading_goes_on_about_the_mean():
    fading = BlockRayleigh(stream=Stream(0, "fading"), block_ns=MS)
    steady, faded = drifting(STREET).power_gain(ALL, 10, 50), drifting(STREET, fading).power_gain(ALL, 10, 50)
    np.testing.assert_allclose(faded, steady * fading.power_gain(ALL, 10, 50))


def test_nobody_moving_is_no_track():
    static = Static(stream=Stream(0, "position"), radius_m=200.0, minimum_m=10.0)
    with pytest.raises(ValueError, match="mobility must have users who move"):
        Track(reach=Reach(large_scale=STREET, mobility=static), start=np.ones(USERS))
