"""Bands of whole subchannels, and powers no higher than they must be, against every way of dealing them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from channel_models.rates import Shannon
from cosim.allocation.allocator import Allocator
from cosim.allocation.equal import EqualBands
from cosim.allocation.local_accuracy import NoOptimum
from cosim.allocation.problem import Allocation, Array, DelayProblem, NoAllocation
from cosim.allocation.sfllm_bands import Subchannels

Draw = Callable[..., DelayProblem]

BAND_HZ, FEDERATED_HZ, ETA = 20e6, 5e6, 0.3
ROUNDING = 1e-10
"""Relative, of powers that Newton finds and of rates that follow from them."""
DIP = 5e-3
"""Relative: what a far denser search over the local accuracy may find besides."""
BITS = {"activation_bits": 50e3, "each_iteration": True}


def sent_s(problem: DelayProblem, found: Allocation, eta: float = ETA) -> Array:
    """When each user is done with one band, worked out from its share of band and power."""
    assert found.power_share is not None
    iterations = problem.learning.iterations(eta)
    bps = Shannon().bps(found.band_hz, problem.carrier_to_noise_hz * found.power_share / found.band_hz)
    done: Array = iterations * problem.compute_s + (problem.adapter_bits + iterations * problem.activation_bits) / bps
    return done


def ways(users: int, subchannels: int) -> Iterator[tuple[int, ...]]:
    """All numbers of subchannels, at least one each."""
    for counts in product(range(1, subchannels), repeat=users - 1):
        if sum(counts) < subchannels:
            yield (*counts, subchannels - sum(counts))


@pytest.mark.parametrize("seed", range(4))
def test_no_other_way_of_dealing_subchannels_is_faster(draw_problem: Draw, seed: int) -> None:
    """They are alike, and each has its own power: then the greedy rule is right."""
    problem = draw_problem(users=3, seed=seed, **BITS)
    found = Subchannels(subchannels=8).allocate(problem, ETA)
    iterations = problem.learning.iterations(ETA)
    bits = problem.adapter_bits + iterations * problem.activation_bits
    rounds_s = []
    for counts in ways(3, 8):
        band_hz = BAND_HZ / 8 * np.array(counts)
        bps = Shannon().bps(band_hz, problem.carrier_to_noise_hz / band_hz)
        rounds_s.append(np.max(iterations * problem.compute_s + bits / bps))
    assert found.round_s[0] == pytest.approx(min(rounds_s), rel=ROUNDING)


@pytest.mark.parametrize("total_power_w", [None, 1.5])
def test_bands_are_whole_subchannels_and_all_finish_together(draw_problem: Draw, total_power_w: float | None) -> None:
    problem = draw_problem(drops=5, users=6, **BITS)
    found = Subchannels(subchannels=16, total_power_w=total_power_w).allocate(problem, ETA)
    counts = found.band_hz / (BAND_HZ / 16)
    assert counts == pytest.approx(np.round(counts), rel=1e-12)
    assert (counts.round() >= 1).all()
    assert sent_s(problem, found) == pytest.approx(found.round_s[:, None] * np.ones(6), rel=ROUNDING)


def test_powers_are_limited_by_each_users_own_or_by_what_all_have(draw_problem: Draw) -> None:
    power_w = np.linspace(0.1, 0.6, 6)
    problem = draw_problem(drops=5, users=6, power_w=power_w, **BITS)
    alone = Subchannels(subchannels=16).allocate(problem, ETA)
    together = Subchannels(subchannels=16, total_power_w=0.05).allocate(problem, ETA)
    assert alone.power_share is not None
    assert together.power_share is not None
    assert np.max(alone.power_share, axis=1) == pytest.approx(np.ones(5), rel=ROUNDING)
    assert (together.power_share * power_w).sum(axis=1) == pytest.approx(np.full(5, 0.05), rel=ROUNDING)
    assert (together.round_s > alone.round_s).all()


def test_users_who_are_alike_have_equal_bands_and_all_their_power(draw_problem: Draw) -> None:
    drawn = draw_problem(users=5, **BITS)
    alike = {"carrier_to_noise_hz": drawn.carrier_to_noise_hz[:, :1] * np.ones(5), "compute_s": 0.01}
    problem = draw_problem(users=5, **BITS, **alike)
    found, equal = (each.allocate(problem, ETA) for each in (Subchannels(subchannels=10), EqualBands()))
    assert found.band_hz == pytest.approx(equal.band_hz, rel=1e-12)
    assert found.power_share == pytest.approx(np.ones((1, 5)), rel=ROUNDING)
    assert found.round_s == pytest.approx(equal.round_s, rel=ROUNDING)


def test_a_federated_servers_band_is_dealt_for_when_all_have_sent_their_activations(draw_problem: Draw) -> None:
    problem = draw_problem(drops=3, users=4, federated_bandwidth_hz=FEDERATED_HZ, **BITS)
    found = Subchannels(subchannels=12).allocate(problem, ETA)
    nothing: dict[str, Any] = {"adapter_bits": np.zeros(4), "federated_bandwidth_hz": None}
    first = Subchannels(subchannels=12).allocate(replace(problem, **nothing), ETA)
    assert found.band_hz == pytest.approx(first.band_hz)
    assert found.power_share == pytest.approx(first.power_share)
    assert found.federated_band_hz is not None
    assert found.federated_power_share is not None
    snr = problem.carrier_to_noise_hz * found.federated_power_share / found.federated_band_hz
    later_s = problem.adapter_bits / Shannon().bps(found.federated_band_hz, snr)
    assert first.round_s[:, None] + later_s == pytest.approx(found.round_s[:, None] * np.ones(4), rel=ROUNDING)


def test_a_far_denser_search_finds_hardly_less(draw_problem: Draw) -> None:
    problem, allocator = draw_problem(drops=10, users=10), Subchannels()
    densely = np.stack([allocator.allocate(problem, eta).total_s for eta in np.linspace(0.02, 0.98, 300)])
    assert (allocator.allocate(problem).total_s <= densely.min(axis=0) * (1.0 + DIP)).all()


def test_drops_are_searched_on_their_own(draw_problem: Draw) -> None:
    problem, allocator = draw_problem(drops=3, users=5, **BITS), Subchannels()
    together = allocator.allocate(problem)
    for drop in range(3):
        alone = allocator.allocate(problem.of(np.array([drop])))
        assert (alone.eta[0], alone.total_s[0]) == (together.eta[drop], together.total_s[drop])


def test_nothing_but_what_iterations_send_has_no_optimum(draw_problem: Draw) -> None:
    with pytest.raises(NoOptimum, match="drop 0: the delay falls up to eta = 1; expected adapter_bits above 0"):
        Subchannels().allocate(draw_problem(users=3, adapter_bits=0.0, **BITS))


def test_more_users_than_subchannels_are_named_with_their_cell(draw_problem: Draw) -> None:
    problem, cells = draw_problem(users=5), np.array([0, 1, 1, 0, 1])
    with pytest.raises(NoAllocation, match=r"^subchannels = 2: cell 1 has 3 users \(1, 2, 4\), and each needs one; "):
        Subchannels(subchannels=2).allocate(problem, ETA, cells)
    Subchannels(subchannels=3).allocate(problem, ETA, cells)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"subchannels": 0}, "subchannels must be a number above 0, got 0"),
        ({"subchannels": 2.5}, "subchannels must be a number above 0, got 2.5"),
        ({"total_power_w": 0.0}, "total_power must be above 0 W, got 0.0"),
        ({"eta": 1.0}, "eta must be between 0 and 1"),
    ],
)
def test_options_that_make_no_sense_are_named(options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        _ = _made(**options)


def _made(**options: Any) -> Allocator:
    return Subchannels(**options)
