"""The exact optimum against a conic solver, against its own conditions, and against what any optimum must do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_models.rates import Shannon
from cosim.allocation import conic
from cosim.allocation.exact import at, optimum
from cosim.allocation.learning_model import LearningModel
from cosim.allocation.local_accuracy import NoOptimum
from cosim.allocation.problem import DelayProblem

Draw = Callable[..., DelayProblem]

CONIC = 1e-6
"""Relative, of T: what the conic solver is good for, at the loosest of the tolerances that it is tried with."""
TOGETHER = 1e-9
"""Relative: how nearly all users finish together, and how nearly the bands fill what there is."""
SETTINGS: dict[str, dict[str, Any]] = {
    "paper": {},
    "figures": {"users": 20, "adapter_bits": 100e3, "learning": LearningModel(a=160.0, v=4.0), "compute_s": 0.05},
    "activations a round": {"users": 20, "activation_bits": 50e3},
    "activations each iteration": {"users": 20, "activation_bits": 50e3, "each_iteration": True},
    "two bands": {"users": 20, "activation_bits": 50e3, "federated_bandwidth_hz": 5e6},
    "two bands, each iteration": {
        "users": 20, "activation_bits": 50e3, "federated_bandwidth_hz": 5e6, "each_iteration": True,
    },
}  # fmt: skip
EVERY = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


def check_against_conic(problem: DelayProblem) -> None:
    """Of every drop; the solver may give up on none."""
    ours = optimum(problem)
    for drop in range(problem.shape[0]):
        reference = conic.optimum(problem.of(np.array([drop])))
        assert ours.total_s[drop] == pytest.approx(float(reference.total_s), rel=CONIC)


@EVERY
def test_the_conic_solver_finds_the_same_delay(draw_problem: Draw, setting: dict[str, Any]) -> None:
    check_against_conic(draw_problem(drops=5, **setting))


@pytest.mark.slow
@EVERY
def test_the_conic_solver_finds_the_same_delay_in_a_hundred_drops(draw_problem: Draw, setting: dict[str, Any]) -> None:
    check_against_conic(draw_problem(drops=100, seed=7, **setting))


@EVERY
def test_all_users_finish_together_and_the_bands_are_filled(draw_problem: Draw, setting: dict[str, Any]) -> None:
    problem = draw_problem(drops=100, **setting)
    found = optimum(problem)
    eta = found.eta[:, None]
    activations, _ = problem.activations(eta)
    both = [(found.band_hz, problem.bandwidth_hz, problem.adapter_bits + activations)]
    if found.federated_band_hz is not None:
        both = [
            (found.band_hz, problem.bandwidth_hz, activations),
            (found.federated_band_hz, problem.federated_bandwidth_hz or 0.0, problem.adapter_bits),
        ]
    finish_s = problem.iterations(eta) * problem.compute_s
    for band, total_hz, bits in both:
        np.testing.assert_allclose(band.sum(axis=1), total_hz, rtol=TOGETHER)
        finish_s = finish_s + bits / Shannon().bps(band, problem.carrier_to_noise_hz / band)
    np.testing.assert_allclose(finish_s, np.broadcast_to(found.round_s[:, None], finish_s.shape), rtol=TOGETHER)


@EVERY
def test_no_other_local_accuracy_is_better(draw_problem: Draw, setting: dict[str, Any]) -> None:
    problem = draw_problem(drops=10, **setting)
    found = optimum(problem)
    for eta in np.linspace(0.02, 0.98, 49):
        assert (found.total_s <= at(problem, eta).total_s * (1 + 1e-12)).all()  # rounding
    for nearby in (0.99, 1.01):
        assert (found.total_s <= at(problem, found.eta * nearby).total_s).all()


def test_one_drop_of_many_is_as_if_it_were_alone(draw_problem: Draw) -> None:
    problem = draw_problem(drops=8)
    together = optimum(problem)
    for drop in range(8):
        alone = optimum(problem.of(np.array([drop])))
        assert together.total_s[drop] == pytest.approx(float(alone.total_s[0]), rel=1e-12)  # the search ends elsewhere
    assert optimum(replace(problem, **{
        name: getattr(problem, name).reshape(2, 4, 50)
        for name in ("carrier_to_noise_hz", "compute_s", "adapter_bits", "activation_bits")
    })).band_hz.shape == (2, 4, 50)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_more_of_anything_good_is_faster_and_more_to_do_slower(draw_problem: Draw, data: st.DataObject) -> None:
    setting = data.draw(st.sampled_from(sorted(SETTINGS)))
    power_dbm, seed = data.draw(st.floats(0.0, 30.0)), data.draw(st.integers(0, 1000))
    problem = draw_problem(power_dbm=power_dbm, seed=seed, **{"users": 5, **SETTINGS[setting]})
    factor = data.draw(st.floats(1.01, 10.0))
    before = float(optimum(problem).total_s[0])

    def changed(**fields: Any) -> float:
        return float(optimum(replace(problem, **fields)).total_s[0])

    assert changed(bandwidth_hz=problem.bandwidth_hz * factor) < before
    assert changed(carrier_to_noise_hz=problem.carrier_to_noise_hz * factor) < before
    assert changed(compute_s=problem.compute_s / factor) < before
    assert changed(adapter_bits=problem.adapter_bits * factor) > before
    fewer = problem.users - 1
    arrays = ("carrier_to_noise_hz", "compute_s", "adapter_bits", "activation_bits")
    assert changed(**{name: getattr(problem, name)[:, :fewer] for name in arrays}) < before


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(6)), st.sampled_from(sorted(SETTINGS)))
def test_renaming_users_renames_their_bands(draw_problem: Draw, order: list[int], setting: str) -> None:
    problem = draw_problem(**{**SETTINGS[setting], "users": 6})
    arrays = ("carrier_to_noise_hz", "compute_s", "adapter_bits", "activation_bits")
    renamed = replace(problem, **{name: getattr(problem, name)[:, order] for name in arrays})
    np.testing.assert_allclose(optimum(renamed).band_hz, optimum(problem).band_hz[:, order], rtol=1e-6)  # eta's


def test_a_delay_that_only_falls_is_named() -> None:
    """Without adapters everything vanishes with the iterations, but for the rounds: eta = 1 has no end."""
    c_hz = np.full((1, 3), 1e9)
    problem = DelayProblem(
        carrier_to_noise_hz=c_hz, compute_s=np.full((1, 3), 0.1), adapter_bits=np.zeros((1, 3)),
        activation_bits=np.full((1, 3), 1e4), bandwidth_hz=1e6, each_iteration=True,
        learning=LearningModel(a=1.0, v=1.0),
    )  # fmt: skip
    with pytest.raises(NoOptimum, match="expected adapter_bits above 0"):
        optimum(problem)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bandwidth_hz": 0.0}, "bandwidth_hz must be finite and positive"),
        ({"compute_s": np.array([[-1.0, 1.0]])}, "compute_s must be finite and positive"),
        ({"carrier_to_noise_hz": np.array([[0.0, 1.0]])}, "carrier_to_noise_hz must be"),
        ({"adapter_bits": np.zeros((1, 2))}, "something to send"),
        ({"federated_bandwidth_hz": 1e6}, "over each"),
    ],
)
def test_what_cannot_be_solved_is_refused(fields: dict[str, Any], message: str) -> None:
    whole = np.ones((1, 2))
    given_fields: dict[str, Any] = {
        "carrier_to_noise_hz": whole, "compute_s": whole, "adapter_bits": whole, "activation_bits": 0 * whole,
        "bandwidth_hz": 1.0, "learning": LearningModel(a=1.0, v=1.0),
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        DelayProblem(**{**given_fields, **fields})
