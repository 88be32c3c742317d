"""Combinations, matching entries and samples of what is varied."""

import pytest

from cosim.scenario import ScenarioError
from cosim.sweep.settings import grid, sampled, zipped
from cosim.sweep.values import Values, parse_values

VARIED: dict[str, Values] = {"a": parse_values("1,2,3"), "b": parse_values("x,y")}


def test_a_grid_has_every_combination_once_the_last_key_changing_first() -> None:
    assert [tuple(point.values()) for point in grid(VARIED)] == [
        (1, "x"), (1, "y"), (2, "x"), (2, "y"), (3, "x"), (3, "y"),
    ]  # fmt: skip


def test_zipped_values_go_together() -> None:
    pairs = zipped({"a": parse_values("1,2"), "b": parse_values("x,y")})
    assert list(pairs) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_lists_of_different_lengths_cannot_be_zipped() -> None:
    with pytest.raises(ScenarioError, match=r"^--zip: expected as many values of each key; a has 3, b has 2$"):
        list(zipped(VARIED))


@pytest.mark.parametrize("wanted", [1, 4, 6, 100])
def test_a_sample_has_different_points_of_the_grid_and_at_most_all(wanted: int) -> None:
    points = [tuple(point.values()) for point in sampled(VARIED, wanted, seed=0)]
    assert len(points) == len(set(points)) == min(wanted, 6)
    assert set(points) <= {tuple(point.values()) for point in grid(VARIED)}


def test_a_larger_sample_begins_with_the_smaller_one_and_another_seed_draws_others() -> None:
    varied = {"x": parse_values("log(1,100) MHz"), "y": parse_values("lin(0,1)")}
    small, large = list(sampled(varied, 5, seed=1)), list(sampled(varied, 20, seed=1))
    assert large[:5] == small
    assert list(sampled(varied, 5, seed=2)) != small


def test_a_sample_fills_its_range_evenly() -> None:
    """Of 400 draws each quarter has 100, give or take four standard deviations of a binomial count, 4 x 8.7."""
    drawn = [point["x"] for point in sampled({"x": parse_values("lin(0,4)")}, 400, seed=0)]
    for quarter in range(4):
        assert abs(sum(quarter <= value < quarter + 1 for value in drawn) - 100) < 35


def test_all_numbers_of_a_range_are_no_grid() -> None:
    with pytest.raises(ScenarioError, match=r"^x: all numbers of a range can only be sampled"):
        list(grid({"x": parse_values("lin(0,1)")}))
