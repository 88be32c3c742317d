"""From rounds to a and v: exact where the points are, and honest where they do not tell."""

from math import inf, isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.calibration import CONFIDENCE, FASTEST, SLOWEST, Calibration, Point, calibrate
from cosim.results import json_text
from cosim.scenario.convergence import Convergence

STEPS = (1, 2, 4, 8, 16)
EXACT = 1e-8
"""Relative: at v = 50 n a millionth in R is a hundredth in v, and R is known to 1e-15."""


def rounds(a: float, v: float, steps: float) -> float:
    """The theory, as its paper has it: a / (1 - eta) where v log2(1 / eta) local iterations come to eta."""
    eta = 2.0 ** (-steps / v)
    return a / (1.0 - eta)


def points(a: float, v: float, noise: float = 0.0, seeds: int = 1, draw: int = 0) -> list[Point]:
    normal = np.random.default_rng(draw).normal(scale=noise, size=(seeds, len(STEPS)))
    return [
        Point(steps, seed, rounds(a, v, steps) * float(np.exp(normal[seed, place])))
        for seed in range(seeds)
        for place, steps in enumerate(STEPS)
    ]


def said(*rounds_by_steps: float) -> Calibration:
    return calibrate([Point(steps, 0, value) for steps, value in zip(STEPS, rounds_by_steps, strict=True)])


@given(a=st.floats(1.0, 1e4), v=st.floats(0.3, 50.0 * STEPS[-1]), seeds=st.integers(1, 3))
def test_exact_points_give_back_their_a_and_v(a: float, v: float, seeds: int) -> None:
    found = calibrate(points(a, v, seeds=seeds))
    assert (found.model.a, found.model.v) == pytest.approx((a, v), rel=EXACT)
    assert found.a_interval == pytest.approx((a, a), rel=1e-6)
    assert found.v_interval == pytest.approx((v, v), rel=1e-6)  # the rounding that is allowed for moves them
    assert found.r2 == pytest.approx(1.0, abs=EXACT)
    assert found.notes == []


def test_two_numbers_of_steps_are_enough_but_say_nothing_of_how_sure_that_is() -> None:
    found = calibrate([Point(2, 0, rounds(5.0, 4.0, 2)), Point(9, 0, rounds(5.0, 4.0, 9))])
    assert (found.model.a, found.model.v) == pytest.approx((5.0, 4.0), rel=EXACT)
    assert (found.a_interval, found.v_interval) == (None, None)
    assert "two points say nothing" in found.notes[0]


def test_intervals_hold_the_truth_as_often_as_they_promise() -> None:
    runs = 400
    found = [calibrate(points(5.0, 4.0, noise=0.1, seeds=2, draw=draw)) for draw in range(runs)]
    four_sigma = 4.0 * (CONFIDENCE * (1.0 - CONFIDENCE) / runs) ** 0.5
    for truth, intervals in ((5.0, [each.a_interval for each in found]), (4.0, [each.v_interval for each in found])):
        held = np.mean([ends is not None and ends[0] <= truth <= ends[1] for ends in intervals])
        assert held == pytest.approx(CONFIDENCE, abs=four_sigma)


def test_of_rounds_that_fall_as_one_over_n_only_the_product_is_known() -> None:
    found = said(*(96.0 / steps for steps in STEPS))
    assert found.v_interval is not None
    assert found.v_interval[0] > 10.0 * STEPS[-1]
    assert found.v_interval[1] == inf
    assert found.a_interval is not None
    assert found.a_interval[0] == 0.0
    product = 96.0 * np.log(2.0)  # 1 - 2^(-n / v) is n ln 2 / v for large v
    assert found.model.a * found.model.v == pytest.approx(product, rel=1.0 / SLOWEST)
    assert found.notes == [
        "v is not identified: up to n = 16 local steps rounds fall as fast as 1 / n, and only a v = "
        f"{found.model.a * found.model.v:.4g} is known; try more local steps"
    ]


def test_of_rounds_that_local_steps_do_not_save_only_a_is_known() -> None:
    found = said(12.0, 12.1, 11.9, 12.0, 12.0)
    assert found.v_interval is not None
    assert found.v_interval[0] == 0.0
    assert found.v_interval[1] < 1.0
    assert found.model.a == pytest.approx(12.0, rel=2.0**-FASTEST + 0.005)  # scatter of a few tenths of a percent
    assert found.notes[0].startswith("v is not identified: rounds of n = 1 local steps come as far as those of 16")


def test_of_rounds_that_are_all_the_same_no_variance_is_explained() -> None:
    assert isnan(said(*[12.0] * 5).r2)


def test_rounds_that_grow_with_local_steps_fit_no_curve_and_this_is_said() -> None:
    found = said(4.0, 5.0, 8.0, 16.0, 40.0)
    assert found.r2 < 0.1
    assert [note.partition(":")[0] for note in found.notes] == ["v is not identified", "the fit is poor (R2 = -0.00)"]


def test_what_was_reached_within_the_first_round_is_named() -> None:
    found = said(9.0, 4.6, 2.4, 1.3, 0.75)
    assert found.notes[-1].startswith("with n = 16 local steps the target was reached within the first round")


@given(factor=st.floats(0.1, 10.0))
def test_a_counts_rounds_and_v_does_not(factor: float) -> None:
    one = calibrate(points(5.0, 4.0, noise=0.05))
    other = calibrate([Point(p.steps, p.seed, factor * p.rounds) for p in one.points])
    assert other.model.a == pytest.approx(factor * one.model.a, rel=1e-6)  # where least squares are flat
    assert other.model.v == pytest.approx(one.model.v, rel=1e-6)


def test_the_answer_is_where_the_squares_are_least() -> None:
    """Against all a and v in a wide grid, in a plain loop."""
    given_points = points(5.0, 4.0, noise=0.2, seeds=2)
    found = calibrate(given_points)

    def squares(a: float, v: float) -> float:
        return sum((np.log(p.rounds) - np.log(rounds(a, v, p.steps))) ** 2 for p in given_points)

    least = squares(found.model.a, found.model.v)
    assert all(squares(a, v) >= least for a in np.geomspace(1.0, 50.0, 40) for v in np.geomspace(0.5, 100.0, 40))


@pytest.mark.parametrize(
    ("given_points", "says"),
    [
        ([Point(4, 0, 3.0), Point(4, 1, 3.1)], "at least two different numbers of local steps"),
        ([Point(4, 0, 3.0), Point(8, 0, 0.0)], "positive numbers of rounds"),
        ([Point(4, 0, 3.0), Point(8, 0, inf)], "positive numbers of rounds"),
    ],
)
def test_what_no_curve_goes_through_is_refused(given_points: list[Point], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        calibrate(given_points)


@pytest.mark.parametrize("v", [4.0, 1e6])
def test_what_is_written_a_scenario_reads(tmp_path: Path, v: float) -> None:
    found, file = calibrate(points(5.0, v)), tmp_path / "calibration.json"
    file.write_text(json_text(found.content()))
    assert Convergence(calibration=str(file)).model() == found.model
