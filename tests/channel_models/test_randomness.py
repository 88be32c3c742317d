import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_models.randomness import Stream, _unit_interval, philox4x32

SAMPLES = 100_000
STREAM = Stream(0, "test")

# The seed is fixed, so these tests cannot flake; the bounds are those a right generator misses with probability 1e-6
STANDARD_ERRORS = 4.9
KOLMOGOROV_D = math.sqrt(-math.log(1e-6 / 2) / 2 / SAMPLES)

# Known answers published with Random123 (kat_vectors: philox4x32, 10 rounds), the authors' own implementation
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


GOLDEN = [0.8697536073116273, 0.861884294268129, 0.46011324195408265]


def words(text):
    return np.array([int(word, 16) for word in text.split()], dtype=np.uint32)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter, key, expected):
    assert philox4x32(words(counter), words(key)).tolist() == words(expected).tolist()


def test_philox_treats_each_counter_of_a_batch_alone():
    counters = np.arange(24, dtype=np.uint32).reshape(2, 3, 4)
    key = words("a4093822 299f31d0")
    batch = philox4x32(counters, key)
    assert all((batch[i, j] == philox4x32(counters[i, j], key)).all() for i in range(2) for j in range(3))


def kolmogorov_distance(samples, cdf):
    """Largest distance between the empirical distribution and the exact one."""
    expected = cdf(np.sort(samples))
    steps = np.arange(len(samples) + 1) / len(samples)
    return max((steps[1:] - expected).max(), (expected - steps[:-1]).max())


def normal_cdf(x):
    return 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))


DISTRIBUTIONS = [
    pytest.param(STREAM.uniform, lambda x: x, (1 / 2, 1 / 12, 1 / 80), id="uniform"),
    pytest.param(STREAM.normal, normal_cdf, (0.0, 1.0, 3.0), id="normal"),
    pytest.param(STREAM.exponential, lambda x: -np.expm1(-x), (1.0, 1.0, 9.0), id="exponential"),
]


@pytest.mark.parametrize("shape", [(SAMPLES, 1), (1, SAMPLES), (250, 400)], ids=["entities", "indices", "both"])
@pytest.mark.parametrize(("draw", "cdf", "moments"), DISTRIBUTIONS)
def test_draws_follow_their_distribution(draw, cdf, moments, shape):
    mean, variance, fourth_central = moments
    samples = draw(np.arange(shape[0])[:, None], np.arange(shape[1])).ravel()
    assert kolmogorov_distance(samples, cdf) < KOLMOGOROV_D
    assert abs(samples.mean() - mean) < STANDARD_ERRORS * math.sqrt(variance / SAMPLES)
    assert abs(samples.var() - variance) < STANDARD_ERRORS * math.sqrt((fourth_central - variance**2) / SAMPLES)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Stream(0, "test").normal(1, np.arange(SAMPLES)), id="next entity"),
        pytest.param(Stream(0, "test").normal(0, np.arange(1, SAMPLES + 1)), id="next index"),
        pytest.param(Stream(1, "test").normal(0, np.arange(SAMPLES)), id="next seed"),
        pytest.param(Stream(0, "tesu").normal(0, np.arange(SAMPLES)), id="other purpose"),
    ],
)
def test_neighbouring_addresses_are_uncorrelated(other):
    correlation = np.mean(STREAM.normal(0, np.arange(SAMPLES)) * other)
    assert abs(correlation) < STANDARD_ERRORS / math.sqrt(SAMPLES)


@pytest.mark.parametrize("draw", [STREAM.uniform, STREAM.normal, STREAM.exponential])
@given(entity=st.integers(0, 2**62), index=st.integers(0, 2**62), before=st.integers(0, 9), after=st.integers(0, 9))
def test_an_address_holds_the_same_number_in_any_batch(draw, entity, index, before, after):
    alone = draw(entity, index)
    entities = entity + np.arange(before + after + 1)
    indices = index + np.arange(after + before + 1)
    assert draw(entities, index)[0] == alone
    assert draw(entity, indices)[0] == alone
    assert draw(entities[:, None], indices)[before, after] == draw(entity + before, index + after)
    assert draw(entities[None, ::-1], indices[:, None])[after, after] == draw(entity + before, index + after)


def test_numbers_never_change_between_versions():
    drawn = Stream(2024, "fading").uniform(np.array([0, 1, 2**40]), np.array([0, 5, 2**40]))
    assert drawn.tolist() == GOLDEN, "stored results could no longer be reproduced"


def test_uniform_draws_leave_out_both_ends_even_at_extreme_bits():
    zeros, ones = np.zeros(1, dtype=np.uint32), np.full(1, 0xFFFFFFFF, dtype=np.uint32)
    assert _unit_interval(zeros, zeros)[0] == 2.0**-53
    assert _unit_interval(ones, ones)[0] == 1.0 - 2.0**-53


def test_foreign_seeds_fit_in_63_bits_and_differ():
    seeds = {STREAM.seed_of(entity, index) for entity in range(30) for index in range(30)}
    assert len(seeds) == 900
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62  # the upper bits are used


def test_generators_repeat_and_differ_by_address():
    first = STREAM.generator(3, 4).permutation(100)
    assert (first == STREAM.generator(3, 4).permutation(100)).all()
    assert (first != STREAM.generator(4, 3).permutation(100)).any()
    assert (first != Stream(1, "test").generator(3, 4).permutation(100)).any()


@pytest.mark.parametrize("wrong", [-1, 1.0, np.array([0.5]), np.array([3, -3])])
def test_an_address_that_is_no_count_is_an_error(wrong):
    with pytest.raises(ValueError, match="entity must be a non-negative integer"):
        STREAM.uniform(wrong, 0)
    with pytest.raises(ValueError, match="index must be a non-negative integer"):
        STREAM.uniform(0, wrong)
