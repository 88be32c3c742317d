import math

import numpy as np
import pytest

from channel_models.field import Field
from channel_models.randomness import Stream

FIELDS = 5_000
DECORRELATION_M = 50.0
APART_M = [0.0, 5.0, 25.0, 50.0, 100.0, 200.0]
FIELD = Field(stream=Stream(0, "field"), decorrelation_m=DECORRELATION_M, waves=32)
STANDARD_ERRORS = 4.9  # a right field misses with probability 1e-6; the seed is fixed
KOLMOGOROV_D = math.sqrt(-math.log(1e-6 / 2) / 2 / FIELDS)  # likewise
FINITE_WAVES = 0.01  # the distribution of 32 waves strays from the normal one by a quarter of a hundredth
WITHIN_ONE_FIELD = 0.1  # correlation in one field of 96 waves: about one deviation of an average over so many


def at(field, apart_m, turn=0.3):
    """Values (2, n) of as many fields at two places, so far apart."""
    here = np.array([120.0, -40.0])
    there = here + apart_m * np.array([math.cos(turn), math.sin(turn)])
    numbers = np.arange(FIELDS)
    return np.stack([field(numbers, np.tile(place, (FIELDS, 1))) for place in (here, there)])


@pytest.fixture(scope="module")
def normals():
    return {apart_m: at(FIELD.normal, apart_m) for apart_m in APART_M}


def normal_cdf(x):
    return 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))


def kolmogorov_distance(samples, cdf):
    expected, steps = cdf(np.sort(samples)), np.arange(len(samples) + 1) / len(samples)
    return max((steps[1:] - expected).max(), (expected - steps[:-1]).max())


@pytest.mark.parametrize("apart_m", APART_M)
def test_correlation_falls_exponentially_with_distance(normals, apart_m):
    here, there = normals[apart_m]
    expected = math.exp(-apart_m / DECORRELATION_M)
    assert abs(np.mean(here * there) - expected) < STANDARD_ERRORS * math.sqrt((1 + expected**2) / FIELDS)


def test_a_place_is_normal_over_the_fields(normals):
    assert kolmogorov_distance(normals[0.0][0], normal_cdf) < KOLMOGOROV_D + FINITE_WAVES


@pytest.mark.parametrize("apart_m", [0.0, 25.0])
def test_uniform_values_are_uniform_and_decorrelate_as_their_power_does(apart_m):
    """E[exp(-P - Q)] = 1 / (4 - p) for exponential P, Q of correlation p (Downton 1970), the square of the field's."""
    here, there = at(FIELD.uniform, apart_m)
    assert kolmogorov_distance(here, lambda u: u) < KOLMOGOROV_D + FINITE_WAVES
    correlation = 12 * np.mean((here - 0.5) * (there - 0.5))
    power = math.exp(-2 * apart_m / DECORRELATION_M)
    assert abs(correlation - 3 * power / (4 - power)) < STANDARD_ERRORS * math.sqrt(2 / FIELDS)


def test_one_field_has_the_correlation_too():
    """Averaged over a square of sixteen decorrelation distances, as one cell would see it."""
    field = Field(stream=Stream(1, "field"), decorrelation_m=DECORRELATION_M)
    side = np.arange(-400.0, 400.0, 12.5)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1)
    values = field.normal(np.zeros(grid[..., 0].size, dtype=np.int64), grid.reshape(-1, 2)).reshape(grid.shape[:2])
    for steps in (1, 2, 4, 8):
        correlation = np.mean(values[steps:] * values[:-steps])
        assert abs(correlation - math.exp(-12.5 * steps / DECORRELATION_M)) < WITHIN_ONE_FIELD


def test_values_depend_on_field_and_place_alone():
    numbers, places = np.array([3, 0, 3, 7]), np.arange(8.0).reshape(4, 2) * 30.0
    whole = FIELD.normal(numbers, places)
    fresh = Field(stream=Stream(0, "field"), decorrelation_m=DECORRELATION_M, waves=32)
    assert (fresh.normal(numbers[::-1], places[::-1])[::-1] == whole).all()
    assert fresh.normal(numbers[2:3], places[2:3])[0] == whole[2]


def test_who_stays_keeps_the_value_and_a_step_changes_it_little():
    start = np.array([[10.0, 20.0]])
    number = np.array([0])
    here, step = FIELD.normal(number, start), FIELD.normal(number, start + 0.01)
    assert FIELD.normal(number, start) == here
    assert 0 < abs(step - here)[0] < 0.05  # the correlation over a centimetre is 0.9997: 0.024 deviations


@pytest.mark.parametrize(("decorrelation_m", "waves"), [(0.0, 8), (-1.0, 8), (float("nan"), 8), (1.0, 0)])
def test_an_impossible_field_is_an_error(decorrelation_m, waves):
    with pytest.raises(ValueError, match="decorrelation_m and waves must be positive"):
        Field(stream=Stream(0, "field"), decorrelation_m=decorrelation_m, waves=waves)
