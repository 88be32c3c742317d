import math

import numpy as np
import pytest

from channel_models.randomness import Stream
from channel_models.shadowing import GudmundsonShadowing, IndependentShadowing, State

LINKS = 100_000
STANDARD_ERRORS = 4.9  # a right generator misses with probability 1e-6; the seed is fixed
STREAM = Stream(0, "shadowing")
DECORRELATION_M = (37.0, 50.0, 7.0)
CELLS = 4000


def everywhere(links, state=State.HIDDEN):
    return np.zeros_like(links), np.zeros((len(links), 2)), np.full(len(links), state)


def test_independent_shadowing_has_mean_zero_and_deviation_one():
    links = np.arange(LINKS)
    normal = IndependentShadowing(stream=STREAM).normal(links, *everywhere(links))
    assert abs(normal.mean()) < STANDARD_ERRORS / math.sqrt(LINKS)
    assert abs(normal.std() - 1.0) < STANDARD_ERRORS / math.sqrt(2 * LINKS)


def test_a_link_keeps_its_draw_whoever_joins():
    few, many, shadowing = np.arange(5), np.arange(8), IndependentShadowing(stream=STREAM)
    assert (shadowing.normal(many, *everywhere(many))[:5] == shadowing.normal(few, *everywhere(few))).all()


@pytest.mark.parametrize("state", State)
def test_users_of_a_cell_are_correlated_by_the_distance_of_their_state(state):
    """Over 4,000 cells, for two users as far apart as the correlation takes to fall to 1/e."""
    cells, state_of_all = np.arange(CELLS), np.full(CELLS, state)
    here, there = np.array([50.0, 60.0]), np.array([50.0 + DECORRELATION_M[state], 60.0])
    shadowing = GudmundsonShadowing(stream=STREAM, decorrelation_m=DECORRELATION_M)
    one, other = (shadowing.normal(cells, cells, np.tile(at, (CELLS, 1)), state_of_all) for at in (here, there))
    deviation = math.sqrt((1 + math.exp(-2)) / CELLS)
    assert abs(np.mean(one * other) - math.exp(-1)) < STANDARD_ERRORS * deviation


@pytest.mark.parametrize("other", ["another state", "another cell"])
def test_a_change_of_state_or_of_cell_is_a_fresh_draw(other):
    cells, places = np.arange(CELLS), np.full((CELLS, 2), 80.0)
    shadowing = GudmundsonShadowing(stream=STREAM, decorrelation_m=(40.0, 40.0, 40.0))
    first = shadowing.normal(cells, cells, places, np.full(CELLS, State.IN_SIGHT))
    if other == "another state":
        second = shadowing.normal(cells, cells, places, np.full(CELLS, State.HIDDEN))
    else:
        second = shadowing.normal(cells, cells + CELLS, places, np.full(CELLS, State.IN_SIGHT))
    assert abs(np.mean(first * second)) < STANDARD_ERRORS / math.sqrt(CELLS)


def test_mixed_states_are_each_the_value_of_their_own_state():
    shadowing, links = GudmundsonShadowing(stream=STREAM, decorrelation_m=DECORRELATION_M), np.arange(6)
    sites, places = links % 2, np.arange(12.0).reshape(6, 2)
    states = np.array([0, 1, 2, 0, 1, 2])
    mixed = shadowing.normal(links, sites, places, states)
    for state in State:
        alone = shadowing.normal(links, sites, places, np.full(6, state))
        assert (mixed[states == state] == alone[states == state]).all()


def test_nobody_who_stays_is_shadowed_anew():
    shadowing, links = GudmundsonShadowing(stream=STREAM, decorrelation_m=DECORRELATION_M), np.arange(3)
    at = (np.zeros_like(links), np.full((3, 2), 7.0), np.full(3, State.HIDDEN))
    assert (shadowing.normal(links, *at) == shadowing.normal(links, *at)).all()
