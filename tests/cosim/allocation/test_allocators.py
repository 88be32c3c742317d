"""All allocators: baselines as the paper has them, and against the optimum, which none may beat."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from channel_models.randomness import Stream
from channel_models.rates import Shannon
from cosim.allocation.allocator import Allocator
from cosim.allocation.as_given import AsGiven
from cosim.allocation.equal import EqualBands
from cosim.allocation.exact import optimum
from cosim.allocation.fedsllm import OptimalBands
from cosim.allocation.fixed_accuracy import FixedAccuracy
from cosim.allocation.learning_model import LearningModel
from cosim.allocation.local_accuracy import least
from cosim.allocation.problem import Allocation, DelayProblem
from cosim.allocation.random_bands import RandomBands
from cosim.allocation.sfllm_bands import Subchannels
from cosim.allocation.tdma import InTurn

Draw = Callable[..., DelayProblem]

POINTS = 2.0
"""Percentage points: what other draws of a hundred drops may differ by."""
UNOPTIMISED = 0.1
REDUCTIONS = {"equal": 20.2, "fixed accuracy": 45.0, "unoptimised": 47.9, "tdma": 36.5}
"""Mean reductions of the delay in percent, of a reference implementation; arXiv 2407.09250 states 47.63."""

USERS = 10
ROUNDING = 1e-9
"""Relative, of bands that are added up."""

BETWEEN_POINTS = 5e-3
"""Relative: whole subchannels change hands as eta changes, and the grid on which it is searched may miss a dip."""

ALLOCATORS: dict[str, Allocator] = {
    "fedsllm": OptimalBands(),
    "equal": EqualBands(),
    "fixed accuracy": FixedAccuracy(),
    "unoptimised": EqualBands(eta=UNOPTIMISED),
    "tdma": InTurn(),
    "random": RandomBands(stream=Stream(1, "random bands")),
    "sfllm": Subchannels(),
    "sfllm with less power": Subchannels(total_power_w=3.0),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "adapters alone": {},
    "activations a round": {"activation_bits": 50e3},
    "activations each iteration": {"activation_bits": 50e3, "each_iteration": True},
    "two bands": {"activation_bits": 50e3, "each_iteration": True, "federated_bandwidth_hz": 5e6},
}
each_allocator = pytest.mark.parametrize("name", ALLOCATORS)
each_baseline = pytest.mark.parametrize("name", sorted(set(ALLOCATORS) - {"fedsllm"}))
each_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


def beside(allocator: Allocator) -> float:
    """By how much the least may lie above that of another eta: the search ends within 1e-8 of a kink, but see jumps."""
    return BETWEEN_POINTS if allocator.jumps else ROUNDING


def reduction_percent(problem: DelayProblem, baseline: str) -> float:
    """Mean over drops."""
    return float(np.mean(1 - optimum(problem).total_s / ALLOCATORS[baseline].allocate(problem).total_s)) * 100


@pytest.mark.parametrize("baseline", REDUCTIONS)
def test_mean_reductions_over_powers_are_the_expected_ones(draw_problem: Draw, baseline: str) -> None:
    found = [
        reduction_percent(draw_problem(drops=100, power_dbm=power_dbm, seed=5), baseline) for power_dbm in range(10, 21)
    ]
    assert np.mean(found) == pytest.approx(REDUCTIONS[baseline], abs=POINTS)


@each_baseline
@each_setting
def test_none_beats_the_optimum(draw_problem: Draw, name: str, setting: dict[str, Any]) -> None:
    problem = draw_problem(drops=20, users=USERS, **setting)
    assert (ALLOCATORS[name].allocate(problem).total_s > optimum(problem).total_s).all()


@each_allocator
@each_setting
def test_no_more_is_shared_than_there_is(draw_problem: Draw, name: str, setting: dict[str, Any]) -> None:
    found = ALLOCATORS[name].allocate(draw_problem(drops=5, users=USERS, **setting))
    most = USERS if ALLOCATORS[name].in_turn else 1
    assert (found.band_hz > 0).all()
    assert found.band_hz.sum(axis=1) == pytest.approx(most * 20e6, rel=ROUNDING)
    for share in (found.power_share, found.federated_power_share):
        assert share is None or ((share > 0) & (share <= 1)).all()
    if "federated_bandwidth_hz" in setting:
        assert found.federated_band_hz is not None
        assert found.federated_band_hz.sum(axis=1) == pytest.approx(most * 5e6, rel=ROUNDING)


@each_allocator
@each_setting
def test_the_local_accuracy_is_the_best_for_these_bands_unless_it_is_given(
    draw_problem: Draw, name: str, setting: dict[str, Any]
) -> None:
    problem, allocator = draw_problem(drops=3, users=USERS, **setting), ALLOCATORS[name]
    found = allocator.allocate(problem)
    if allocator.eta is not None:
        assert (found.eta == allocator.eta).all()
        return
    for eta in np.linspace(0.02, 0.98, 13):
        given = allocator.allocate(problem, float(eta))
        assert (given.eta == eta).all()
        assert (found.total_s <= given.total_s * (1 + beside(allocator))).all()


@each_allocator
@each_setting
def test_cells_with_a_band_each_wait_for_the_slowest(draw_problem: Draw, name: str, setting: dict[str, Any]) -> None:
    problem, cells, eta = draw_problem(drops=3, users=USERS, **setting), np.arange(USERS) % 3, 0.3
    found = ALLOCATORS[name].allocate(problem, eta, cells)
    alone = [_alone(name, problem, cells == cell, eta) for cell in range(3)]
    assert found.round_s == pytest.approx(np.max([each.round_s for each in alone], axis=0))
    if name != "random":  # whose draws go by the user's number
        for cell, each in enumerate(alone):
            assert found.band_hz[:, cells == cell] == pytest.approx(each.band_hz)
            if found.power_share is not None:
                assert found.power_share[:, cells == cell] == pytest.approx(each.power_share)


def _alone(name: str, problem: DelayProblem, members: Any, eta: float) -> Allocation:
    users = np.flatnonzero(members)
    drops = problem.drops().among(users)
    return least(drops, ALLOCATORS[name].sharing(drops, users), eta)


@each_allocator
def test_one_local_accuracy_is_the_best_for_all_cells(draw_problem: Draw, name: str) -> None:
    problem, cells = draw_problem(drops=3, users=USERS), np.arange(USERS) % 2
    allocator = ALLOCATORS[name]
    found = allocator.allocate(problem, None, cells)
    for eta in np.linspace(0.02, 0.98, 13) if allocator.eta is None else ():
        given = allocator.allocate(problem, float(eta), cells)
        assert (found.total_s <= given.total_s * (1 + beside(allocator))).all()


def test_the_slowest_user_of_given_bands_is_waited_for(draw_problem: Draw) -> None:
    problem = draw_problem(users=3)
    shares = np.array([[0.5, 0.3, 0.2]])
    found = least(problem, AsGiven(shares), 0.25)
    band_hz = 20e6 * shares
    sending_s = 28.1e3 / Shannon().bps(band_hz, problem.carrier_to_noise_hz / band_hz)
    computing_s = 6.25 * 2 * problem.compute_s  # v log2 4
    assert found.round_s == pytest.approx(np.max(computing_s + sending_s), rel=1e-12)
    assert found.total_s == pytest.approx(problem.learning.a / 0.75 * found.round_s[0], rel=1e-12)


def test_random_bands_are_the_users_own() -> None:
    stream = Stream(1, "random bands")
    few, many = (RandomBands(stream=stream).sharing(_drops(users), np.arange(users)) for users in (3, 5))
    assert few.shares[0] / few.shares[0, 0] == pytest.approx(many.shares[0, :3] / many.shares[0, 0])


def _drops(users: int) -> DelayProblem:
    ones = np.ones((1, users))
    return DelayProblem(
        carrier_to_noise_hz=ones, compute_s=ones, adapter_bits=ones, activation_bits=ones,
        bandwidth_hz=1.0, learning=LearningModel(a=1.0, v=1.0),
    )  # fmt: skip


@pytest.mark.parametrize("eta", [0.0, 1.0, -1.0, float("nan")])
def test_a_local_accuracy_is_between_zero_and_one(eta: float) -> None:
    with pytest.raises(ValueError, match="eta must be between 0 and 1"):
        EqualBands(eta=eta)
