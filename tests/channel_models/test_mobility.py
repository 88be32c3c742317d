import math
from pathlib import Path

import numpy as np
import pytest

from channel_models.mobility import RandomWalk, RandomWaypoint, Static
from channel_models.randomness import Stream
from channel_models.recorded_mobility import RecordedMobility
from cosim import registry

STREAM = Stream(0, "position")
RADIUS_M, MINIMUM_M = 200.0, 10.0
SECOND = 1_000_000_000
TIMES_NS = np.arange(0, 600, 7) * SECOND
USERS = 4000
STANDARD_ERRORS = 4.9  # right draws miss with probability 1e-6; the seed is fixed
ROUNDING_M = 1e-6
SPEEDS = {"least_speed_mps": 1.0, "greatest_speed_mps": 3.0}
RECORDING = "time_s,user,x_m,y_m\n0,0,0,50\n10,0,20,50\n5,1,30,40\n15,1,30,40\n0,2,1,1\n300,2,100,1\n"
RECORDING += "".join(f"0,{user},{user},9\n" for user in range(3, 12))


@pytest.fixture
def make(tmp_path: Path):
    """Any mobility by name, with what the world and a user would give it."""
    file = tmp_path / "places.csv"
    file.write_text(RECORDING)
    options = {
        "static": {"stream": STREAM, "radius_m": RADIUS_M, "minimum_m": MINIMUM_M},
        "random_waypoint": {"stream": STREAM, "radius_m": RADIUS_M, "minimum_m": MINIMUM_M, **SPEEDS, "pause_s": 4.0},
        "random_walk": {"stream": STREAM, "radius_m": RADIUS_M, **SPEEDS},
        "recorded": {"path": str(file)},
    }
    return lambda name: registry.find("mobility", name)(**options[name])


@pytest.mark.parametrize("name", registry.FAMILIES["mobility"])
class TestEveryMobility:
    def test_has_random_access_to_any_instant_of_any_user(self, make, name):
        whole = make(name).places_m(np.arange(9), TIMES_NS)
        assert whole.shape == (9, len(TIMES_NS), 2)
        some, later = np.array([8, 0, 3]), np.array([80, 2, 40])
        assert (make(name).places_m(some, TIMES_NS[later]) == whole[some][:, later]).all()
        assert (make(name).places_m(np.array([5]), TIMES_NS[-1:])[0, 0] == whole[5, -1]).all()

    def test_leaves_the_others_alone_when_a_user_joins(self, make, name):
        model = make(name)
        assert (model.places_m(np.arange(9), TIMES_NS)[:8] == model.places_m(np.arange(8), TIMES_NS)).all()

    def test_nobody_is_faster_than_the_top_speed(self, make, name):
        model = make(name)
        times_ns = np.arange(0, 120 * SECOND, SECOND // 4)
        steps_m = np.linalg.norm(np.diff(model.places_m(np.arange(12), times_ns), axis=1), axis=-1)
        assert steps_m.max() <= model.top_speed_mps * 0.25 + ROUNDING_M
        assert (model.top_speed_mps > 0) == (steps_m.max() > 0)

    def test_keeps_everybody_in_the_cell(self, make, name):
        distances_m = np.linalg.norm(make(name).places_m(np.arange(12), TIMES_NS), axis=-1)
        assert distances_m.max() <= RADIUS_M + ROUNDING_M


def test_those_who_go_begin_where_those_who_stay_are():
    static = Static(stream=STREAM, radius_m=RADIUS_M, minimum_m=MINIMUM_M)
    going = RandomWaypoint(stream=STREAM, radius_m=RADIUS_M, minimum_m=MINIMUM_M, **SPEEDS)
    start = np.zeros(1, dtype=np.int64)
    assert (going.places_m(np.arange(50), start) == static.places_m(np.arange(50), start)).all()


def test_several_sites_share_the_users_out_in_turn():
    sites_m = ((0.0, 0.0), (1000.0, 0.0), (0.0, 2000.0))
    alone, shared = (
        Static(stream=STREAM, radius_m=RADIUS_M, minimum_m=MINIMUM_M, **o) for o in ({}, {"sites_m": sites_m})
    )
    users, start = np.arange(9), np.zeros(1, dtype=np.int64)
    moved_m = shared.places_m(users, start) - alone.places_m(users, start)
    np.testing.assert_allclose(moved_m[:, 0], np.array(sites_m)[users % 3])


def test_waypoints_lie_about_all_sites_alike_and_the_first_about_ones_own():
    sites_m = ((0.0, 0.0), (10_000.0, 0.0))
    model = RandomWaypoint(
        stream=STREAM, radius_m=1.0, minimum_m=0.0, least_speed_mps=1e4, greatest_speed_mps=1e4, sites_m=sites_m
    )
    users = np.arange(USERS)
    at_first, later = (
        np.round(model.places_m(users, np.array([time_ns]))[:, 0, 0] / 1e4) for time_ns in (0, 50 * SECOND)
    )
    assert (at_first == users % 2).all()
    assert abs(np.mean(later) - 0.5) < STANDARD_ERRORS * 0.5 / math.sqrt(USERS)


def test_walkers_are_uniform_over_the_rectangle_about_all_sites():
    """Two sites 600 m apart with a radius of 200 m: 600 + 200 sqrt(2) m by 200 sqrt(2) m, middle at 300 m."""
    model = RandomWalk(stream=STREAM, radius_m=RADIUS_M, **SPEEDS, sites_m=((0.0, 0.0), (600.0, 0.0)))
    places_m = model.places_m(np.arange(USERS), np.array([0, 500 * SECOND]))
    for axis, (middle_m, side_m) in enumerate(((300.0, 600 + 200 * math.sqrt(2)), (0.0, 200 * math.sqrt(2)))):
        for instant in (0, 1):
            along_m = places_m[:, instant, axis]
            assert abs(along_m - middle_m).max() <= side_m / 2
            assert abs(along_m.mean() - middle_m) < STANDARD_ERRORS * side_m / math.sqrt(12 * USERS)
            assert along_m.std() == pytest.approx(side_m / math.sqrt(12), rel=STANDARD_ERRORS / math.sqrt(2 * USERS))


def test_a_waypoint_walk_goes_straight_at_its_speed_and_pauses():
    """With one speed: a straight leg of that speed, four seconds of rest, and another direction."""
    model = RandomWaypoint(
        stream=STREAM, radius_m=RADIUS_M, minimum_m=0.0, least_speed_mps=2.0, greatest_speed_mps=2.0, pause_s=4.0
    )
    step_ns = SECOND // 100
    places = model.places_m(np.array([3]), np.arange(0, 400 * SECOND, step_ns))[0]
    speed_mps = np.linalg.norm(np.diff(places, axis=0), axis=-1) * 100
    resting = speed_mps < 1e-6
    assert np.isclose(speed_mps[~resting], 2.0, atol=1e-6).mean() > 0.99  # all but the hundredths in which legs end
    rests = np.diff(np.flatnonzero(np.diff(resting.astype(int))))[::2]
    assert len(rests) >= 3
    np.testing.assert_allclose(rests, 400, atol=1)


def test_waypoint_walks_draw_users_to_the_middle():
    """Bettstetter 2003: the stationary density in a disc is close to 2 (1 - r^2) / (pi R^2): mean square distance a
    third of R^2, not half as for uniform users. The exact one differs by a few per cent."""
    model = RandomWaypoint(stream=STREAM, radius_m=RADIUS_M, minimum_m=0.0, least_speed_mps=9.0, greatest_speed_mps=9.0)
    places = model.places_m(np.arange(USERS), np.array([0, 500 * SECOND]))
    start, later = np.square(places).sum(axis=-1).mean(axis=0) / RADIUS_M**2
    assert start == pytest.approx(1 / 2, abs=0.03)
    assert later == pytest.approx(1 / 3, abs=0.03)


def test_a_random_walk_stays_uniform_in_its_square():
    """The square inscribed in the cell, at the start as after 600 s: both coordinates, by Kolmogorov and Smirnov."""
    model = RandomWalk(stream=STREAM, radius_m=RADIUS_M, **SPEEDS)
    side_m = RADIUS_M * math.sqrt(2)
    bound = math.sqrt(-math.log(1e-6 / 2) / 2 / USERS)
    places = model.places_m(np.arange(USERS), np.array([0, 600 * SECOND])) / side_m + 0.5
    for values in places.reshape(USERS, 4).T:
        steps, ordered = np.arange(USERS + 1) / USERS, np.sort(values)
        assert max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()) < bound


def test_a_random_walk_spreads_like_diffusion_before_it_meets_the_walls():
    """Mean square displacement after k turns of T seconds at speed v: k (v T)^2."""
    model = RandomWalk(stream=STREAM, radius_m=1e6, least_speed_mps=2.0, greatest_speed_mps=2.0, turn_s=10.0)
    places = model.places_m(np.arange(USERS), np.array([0, 250 * SECOND]))
    squares = np.square(places[:, 1] - places[:, 0]).sum(axis=-1)
    assert abs(squares.mean() - 25 * 20.0**2) < STANDARD_ERRORS * squares.std() / math.sqrt(USERS)


def test_recorded_users_go_straight_and_stay_at_the_ends(tmp_path: Path):
    file = tmp_path / "places.csv"
    file.write_text(RECORDING)
    model = RecordedMobility(path=str(file))
    places = model.places_m(np.array([0, 1]), np.array([0, 5, 10, 100]) * SECOND)
    assert places[0].tolist() == [[0, 50], [10, 50], [20, 50], [20, 50]]
    assert places[1].tolist() == [[30, 40]] * 4
    assert model.top_speed_mps == 2.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time_s,user,x_m\n", "no column 'y_m', only time_s, user, x_m"),
        ("time_s,user,x_m,y_m\n", "no row below the header"),
        ("time_s,user,x_m,y_m\n0,0,1,far\n", "line 2: y_m = 'far' is not a number"),
        ("time_s,user,x_m,y_m\n-1,0,1,2\n", "line 2: time_s = '-1' is not a number from 0 on"),
        ("time_s,user,x_m,y_m\n0,x,1,2\n", "line 2: user = 'x' is not a number from 0 on"),
        ("time_s,user,x_m,y_m\n3,0,1,2\n3,0,1,2\n", "line 3: time_s = 3 does not rise for user 0"),
    ],
)
def test_a_recording_that_cannot_be_read_is_one_line(tmp_path: Path, text: str, says: str):
    file = tmp_path / "places.csv"
    file.write_text(text)
    with pytest.raises(ValueError) as refusal:
        RecordedMobility(path=str(file))
    assert str(refusal.value) == says


def test_a_recording_without_the_file_or_the_user_is_an_error(tmp_path: Path):
    with pytest.raises(ValueError, match="no such file"):
        RecordedMobility(path=str(tmp_path / "none.csv"))
    file = tmp_path / "places.csv"
    file.write_text("time_s,user,x_m,y_m\n0,0,1,2\n")
    with pytest.raises(ValueError, match="nothing of user 1, only of 1 users"):
        RecordedMobility(path=str(file)).places_m(np.arange(2), TIMES_NS)


def test_impossible_movements_are_errors():
    for speeds in (
        {"least_speed_mps": 0.0, "greatest_speed_mps": 1.0},
        {"least_speed_mps": 2.0, "greatest_speed_mps": 1.0},
    ):
        for model, more in ((RandomWaypoint, {"minimum_m": 1.0}), (RandomWalk, {})):
            with pytest.raises(ValueError, match="must satisfy 0 < least <= greatest"):
                model(stream=STREAM, radius_m=RADIUS_M, **speeds, **more)
    with pytest.raises(ValueError, match="pause_s must not be negative"):
        RandomWaypoint(stream=STREAM, radius_m=RADIUS_M, minimum_m=1.0, **SPEEDS, pause_s=-1.0)
    with pytest.raises(ValueError, match="turn_s must be positive"):
        RandomWalk(stream=STREAM, radius_m=RADIUS_M, **SPEEDS, turn_s=0.0)
