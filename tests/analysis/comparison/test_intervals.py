"""Intervals hold the truth as often as they say, also for few seeds."""

from collections.abc import Callable
from math import isnan, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.comparison.intervals import CONFIDENCE, FEWEST, mean_interval, ratio_interval

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]

DRAWS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda g, n: g.normal(10.0, 3.0, n), 10.0),
    "uniform": (lambda g, n: g.uniform(0.0, 1.0, n), 0.5),
    "exponential": (lambda g, n: g.exponential(2.0, n), 2.0),
    "lognormal": (lambda g, n: g.lognormal(0.0, 0.5, n), float(np.exp(0.125))),
    "student": (lambda g, n: g.standard_t(3, n), 0.0),
}
"""How values are drawn, and their true mean."""

SIGMAS = 3.5
"""A share of N trials strays by its binomial standard deviation; one in two thousand strays by more than so many."""

SKEW = 0.02
"""How much less than promised may be held beyond that, of skewed and long-tailed values: measured are up to 0.02."""

CAUTION = 0.04
"""How much more than promised may be held: of three normal values 0.99."""


def share_held(draw: Draw, truth: float, size: int, trials: int, of: Callable[[NDArray[np.float64]], object]) -> float:
    generator = np.random.default_rng(7)
    found = [of(draw(generator, size)) for _ in range(trials)]
    return float(np.mean([interval.low <= truth <= interval.high for interval in found]))  # type: ignore[attr-defined]


def strays(trials: int) -> float:
    return SIGMAS * sqrt(CONFIDENCE * (1 - CONFIDENCE) / trials)


@pytest.mark.slow
@pytest.mark.parametrize("size", [5, 7, 10])
@pytest.mark.parametrize("name", DRAWS)
def test_intervals_hold_the_truth_as_often_as_they_say(name: str, size: int) -> None:
    trials = 1000
    held = share_held(*DRAWS[name], size, trials, mean_interval)
    assert CONFIDENCE - SKEW - strays(trials) <= held <= CONFIDENCE + CAUTION


@pytest.mark.parametrize("size", [3, 5, 10])
def test_intervals_of_normal_values_hold_the_truth_as_often_as_they_say(size: int) -> None:
    trials = 300
    held = share_held(*DRAWS["normal"], size, trials, mean_interval)
    assert CONFIDENCE - strays(trials) <= held <= CONFIDENCE + max(CAUTION, strays(trials))


def test_ratios_of_skewed_times_hold_the_truth_as_often_as_they_say() -> None:
    trials = 300
    draw: Draw = lambda g, n: g.lognormal(np.log(2.0), 1.0, n)  # noqa: E731
    held = share_held(draw, 2.0, 5, trials, ratio_interval)
    assert CONFIDENCE - strays(trials) <= held <= CONFIDENCE + strays(trials)


def test_percentiles_of_resampled_means_would_not() -> None:
    """Why it is the t that is resampled: of five values, sqrt(4/5) of the spread and no table for it."""
    trials = 300

    def percentile(values: NDArray[np.float64]) -> object:
        means = values[np.random.default_rng(0).integers(0, values.size, (2000, values.size))].mean(axis=1)
        low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return type("Ends", (), {"low": low, "high": high})

    assert share_held(*DRAWS["normal"], 5, trials, percentile) < CONFIDENCE - strays(trials)


@pytest.mark.parametrize("size", range(1, FEWEST))
def test_of_too_few_values_there_is_a_mean_and_no_interval(size: int) -> None:
    found = mean_interval([2.0, 4.0][:size])
    assert found.mean == [2.0, 3.0][size - 1]
    assert isnan(found.low) and isnan(found.high)
    assert isnan(mean_interval([5.0] * size).low)


def test_equal_values_have_an_interval_without_width() -> None:
    found = mean_interval([0.1] * 7)
    assert (found.mean, found.low, found.high) == (0.1, 0.1, 0.1)


@pytest.mark.parametrize("values", [[], [1.0, np.nan, 2.0], [1.0, np.inf]])
def test_a_value_that_is_missing_is_not_left_out_unsaid(values: list[float]) -> None:
    found = mean_interval(values)
    assert isnan(found.mean) and isnan(found.low) and isnan(found.high)


def test_a_single_value_that_differs_leaves_finite_ends() -> None:
    found = mean_interval([3.0, 3.0, 3.0, 3.0, 4.0])
    assert 2.5 < found.low < 3.0
    assert 4.0 < found.high < 6.0


def test_the_same_values_have_the_same_interval_on_every_call() -> None:
    values = np.random.default_rng(1).exponential(1.0, 6)
    assert mean_interval(values) == mean_interval(values)


def test_more_confidence_is_a_wider_interval() -> None:
    values = [1.0, 2.0, 4.0, 7.0, 5.0]
    wide, narrow = mean_interval(values, 0.99), mean_interval(values, 0.8)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_units_do_not_matter() -> None:
    rounding = 1e-9  # of sums in another order of magnitude
    values = np.array([1.0, 2.0, 4.0, 7.0, 5.0])
    here, there = mean_interval(values), mean_interval(1000 * values - 3)
    assert there.low == pytest.approx(1000 * here.low - 3, rel=rounding)
    assert there.high == pytest.approx(1000 * here.high - 3, rel=rounding)


def test_a_ratio_and_its_inverse_say_the_same() -> None:
    rounding = 1e-9  # of logarithms
    ratios = np.array([1.2, 3.0, 0.8, 2.2, 1.9])
    there, back = ratio_interval(ratios), ratio_interval(1 / ratios)
    assert back.mean == pytest.approx(1 / there.mean, rel=rounding)
    assert (back.low, back.high) == pytest.approx((1 / there.high, 1 / there.low), rel=rounding)


@pytest.mark.parametrize("ratio", [0.0, -1.0, np.nan, np.inf])
def test_what_is_no_positive_number_is_no_ratio(ratio: float) -> None:
    assert isnan(ratio_interval([1.0, 2.0, 3.0, ratio]).mean)
