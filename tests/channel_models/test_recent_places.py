import numpy as np
import pytest

from channel_models.mobility import RandomWalk
from channel_models.randomness import Stream
from channel_models.recent_places import RecentPlaces

WALK = RandomWalk(stream=Stream(0, "position"), radius_m=200.0, least_speed_mps=1.0, greatest_speed_mps=20.0)
SECOND = 1_000_000_000


class Counted:
    """The walk, and how often it was asked."""

    def __init__(self):
        self.asked = 0
        self.top_speed_mps = WALK.top_speed_mps

    def places_m(self, users, times_ns):
        self.asked += 1
        return WALK.places_m(users, times_ns)


def test_places_are_those_of_the_mobility_and_asked_for_once():
    counted = Counted()
    recent, users, times_ns = RecentPlaces(counted), np.arange(30), np.arange(50) * SECOND
    assert recent.top_speed_mps == 20.0
    for _ in range(3):
        assert (recent.places_m(users, times_ns) == WALK.places_m(users, times_ns)).all()
        assert (recent.places_m(users, times_ns + 1) == WALK.places_m(users, times_ns + 1)).all()
    assert counted.asked == 2
    with pytest.raises(ValueError, match="read-only"):
        recent.places_m(users, times_ns)[0] = 0.0


def test_old_places_are_forgotten_and_found_again():
    counted = Counted()
    recent, users = RecentPlaces(counted), np.arange(1000)
    for _ in range(2):
        for start_s in range(0, 300, 50):  # 100,000 numbers each: the first is forgotten before it is asked for again
            times_ns = np.arange(start_s, start_s + 100) * SECOND
            assert (recent.places_m(users, times_ns) == WALK.places_m(users, times_ns)).all()
    assert counted.asked == 12
