from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_models.randomness import Stream
from cosim.devices import Population, read_population
from cosim.devices.capacities import weighted_median
from cosim.scenario.compute import Capacities

ROUNDING = 1e-12  # relative: a few operations on doubles
Z_LIMIT = 4.0  # a false alarm once in 16,000 seeds, and the seed is fixed
DEVICES = Path(__file__).parents[4] / "shared" / "data" / "devices"
FEDSCALE = DEVICES / "fedscale-fedfetch" / "client_device_capacity_ul_dl.csv.gz"
FLASH = DEVICES / "flash" / "train_time_ms_per_batch.csv"
STREAM = Stream(0, "user capacity")


def population(**keys: Any) -> Population:
    return read_population(Capacities.model_validate(keys))


@pytest.fixture
def phones(table: Callable[..., str]) -> str:
    return table("tier,share,ms,per_s", "slow,60,50,20", "middle,30,20,50", "fast,10,10,100")


def test_a_device_that_takes_twice_the_median_time_is_half_as_fast(phones: str) -> None:
    assert population(file=phones, column="ms").relative_speed == pytest.approx([0.4, 1.0, 2.0], rel=ROUNDING)


def test_times_and_their_rates_say_the_same(phones: str) -> None:
    by_rate = population(file=phones, column="per_s", column_is="rate")
    assert by_rate.relative_speed == pytest.approx(population(file=phones, column="ms").relative_speed, rel=ROUNDING)


def test_with_weights_the_median_is_that_of_the_people_and_not_of_the_rows(phones: str) -> None:
    weighted = population(file=phones, column="ms", weight_column="share")
    assert weighted.relative_speed == pytest.approx([1.0, 2.5, 5.0], rel=ROUNDING)


def test_rows_are_drawn_as_often_as_they_are_common(phones: str) -> None:
    users = 4000
    drawn = population(file=phones, column="ms", weight_column="share").draw(STREAM, users)
    for speed, share in ((1.0, 0.6), (2.5, 0.3), (5.0, 0.1)):
        deviation = np.sqrt(share * (1 - share) / users)
        assert abs(np.isclose(drawn, speed).mean() - share) < Z_LIMIT * deviation


def test_only_the_rows_asked_for_are_drawn(phones: str) -> None:
    slow = population(file=phones, column="ms", where={"tier": "slow"})
    assert set(slow.draw(STREAM, 20).tolist()) == {1.0}


@pytest.mark.parametrize("seed", range(5))
def test_one_more_user_leaves_the_draws_of_the_others_alone(phones: str, seed: int) -> None:
    given, stream = population(file=phones, column="ms"), Stream(seed, "user capacity")
    longest = given.draw(stream, 30)
    assert len(set(longest.tolist())) == 3
    assert all(np.array_equal(given.draw(stream, users), longest[:users]) for users in range(1, 30))


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5)), min_size=1, max_size=12))
def test_the_weighted_median_is_the_median_of_as_many_copies(rows: list[tuple[int, int]]) -> None:
    values, weights = np.array(rows, dtype=float).T
    assert weighted_median(values, weights) == np.median(np.repeat(values, weights.astype(int)))


@pytest.mark.skipif(not FEDSCALE.exists(), reason="needs the measured devices, which do not ship")
def test_fedscales_clients_are_within_the_range_that_others_report() -> None:
    """15 to 199 ms a sample, and in this extract of 9,242 clients a median of 41 ms."""
    clients = population(file=str(FEDSCALE), column="compute_ms_per_sample")
    assert len(clients.relative_speed) == 9242
    extremes = [clients.relative_speed.min(), np.median(clients.relative_speed), clients.relative_speed.max()]
    assert extremes == pytest.approx([41 / 199, 1.0, 41 / 15], rel=ROUNDING)


@pytest.mark.skipif(not FLASH.exists(), reason="needs the measured devices, which do not ship")
def test_flashs_tiers_are_drawn_by_their_population() -> None:
    where = {"task": "reddit_lstm"}
    tiers = population(file=str(FLASH), column="mean_ms", weight_column="population_weight", where=where)
    assert tiers.relative_speed == pytest.approx([1.0, 2596 / 916, 2596 / 527.7], rel=ROUNDING)  # most have the lowest
    users = 2000
    share = 18820 / (18820 + 16428 + 159)
    lowest = (tiers.draw(STREAM, users) == tiers.relative_speed[0]).mean()
    assert abs(lowest - share) < Z_LIMIT * np.sqrt(share * (1 - share) / users)
