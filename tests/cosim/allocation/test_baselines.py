"""Baselines against what the paper's figures say of them, and against the optimum, which none may beat."""

from collections.abc import Callable

import numpy as np
import pytest

from channel_models.rates import Shannon
from cosim.allocation import baselines
from cosim.allocation.exact import at, optimum
from cosim.allocation.problem import Allocation, DelayProblem

Draw = Callable[..., DelayProblem]

POINTS = 2.0
"""Percentage points: what other draws of a hundred drops may differ by."""
UNOPTIMISED = 0.1
REDUCTIONS = {"equal": 20.2, "fixed accuracy": 45.0, "unoptimised": 47.9, "tdma": 36.5}
"""Mean reductions of the delay in percent, of a reference implementation; arXiv 2407.09250 states 47.63."""

BASELINES: dict[str, Callable[[DelayProblem], Allocation]] = {
    "equal": baselines.equal,
    "fixed accuracy": lambda problem: at(problem, UNOPTIMISED),
    "unoptimised": lambda problem: baselines.equal(problem, UNOPTIMISED),
    "tdma": baselines.tdma,
    "random": lambda problem: baselines.random(problem, seed=1),
}


def reduction_percent(problem: DelayProblem, baseline: str) -> float:
    """Mean over drops."""
    return float(np.mean(1 - optimum(problem).total_s / BASELINES[baseline](problem).total_s)) * 100


@pytest.mark.parametrize("baseline", REDUCTIONS)
def test_mean_reductions_over_powers_are_the_expected_ones(draw_problem: Draw, baseline: str) -> None:
    found = [
        reduction_percent(draw_problem(drops=100, power_dbm=power_dbm, seed=5), baseline) for power_dbm in range(10, 21)
    ]
    assert np.mean(found) == pytest.approx(REDUCTIONS[baseline], abs=POINTS)


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize("each_iteration", [False, True])
def test_none_beats_the_optimum(draw_problem: Draw, baseline: str, each_iteration: bool) -> None:
    problem = draw_problem(drops=20, users=10, activation_bits=50e3, each_iteration=each_iteration)
    assert (BASELINES[baseline](problem).total_s > optimum(problem).total_s).all()


@pytest.mark.parametrize("baseline", ["equal", "random", "tdma"])
def test_their_local_accuracy_is_the_best_for_them(draw_problem: Draw, baseline: str) -> None:
    problem = draw_problem(drops=5, users=10)
    given = {
        "equal": lambda eta: baselines.equal(problem, eta),
        "random": lambda eta: baselines.random(problem, 1, eta),
        "tdma": lambda eta: baselines.tdma(problem, eta),
    }[baseline]
    found = BASELINES[baseline](problem)
    for eta in np.linspace(0.02, 0.98, 49):
        assert (found.total_s <= given(eta).total_s * (1 + 1e-9)).all()  # the search ends within 1e-8 of a kink


def test_the_slowest_user_of_given_bands_is_waited_for(draw_problem: Draw) -> None:
    problem = draw_problem(users=3)
    shares = np.array([0.5, 0.3, 0.2])
    found = baselines.of_bands(problem, shares, 0.25)
    band_hz = 20e6 * shares
    sending_s = 28.1e3 / Shannon().bps(band_hz, problem.carrier_to_noise_hz / band_hz)
    computing_s = 6.25 * 2 * problem.compute_s  # v log2 4
    assert found.round_s == pytest.approx(np.max(computing_s + sending_s), rel=1e-12)
    assert found.total_s == pytest.approx(problem.learning.a / 0.75 * found.round_s[0], rel=1e-12)


def test_baselines_are_of_one_band(draw_problem: Draw) -> None:
    problem = draw_problem(activation_bits=1e3, federated_bandwidth_hz=5e6)
    for baseline in (baselines.equal, baselines.tdma):
        with pytest.raises(ValueError, match="federated_bandwidth_hz: baselines are of one band"):
            baseline(problem)
