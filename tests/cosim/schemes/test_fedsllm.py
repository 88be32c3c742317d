"""FedsLLM: under the assumptions of its theory, simulated delays are those of its formula."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from cosim.allocation.learning_model import LearningModel
from cosim.runner import Run
from cosim.scenario.errors import ScenarioError
from cosim.schemes.demand import batches_of

Runner = Callable[..., Run]

THEORY = 1e-9
"""Relative: a nanosecond, to which acts are rounded, in rounds of over a minute."""
USERS = 5
ROUNDS = 3
SLOW = {"speed": "2 MFLOP/s", "spread": 0.5}
"""So that a round takes minutes, and neither its nanoseconds nor its averaging count."""
ASSUMED: dict[str, Any] = {
    "execution": "analytic",
    "host": {"device": "cpu", "cache": True},  # of tokens and prices, as nothing is learned
    "users": {"count": USERS, "compute": SLOW, "power": "10 dBm"},
    "edges": {"count": 1, "compute": {"speed": "100 PFLOP/s", "jobs": USERS}},
    "radio": {"bandwidth": "1 kHz", "fading": "none", "downlink": "neglected", "cell_radius": "250 m"},
}
"""A static channel, a main server that keeps nobody waiting, no time for what comes down."""
LARGE = "800 kbit"
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "real tensors": (2, {}),
    "a paper's constants, a round": (8, {"payloads": {"round_activations": "64 kbit", "adapter": LARGE}}),
    "a paper's constants, an iteration": (
        8, {"payloads": {"activation": "8 kbit", "label": "0 bit", "adapter": LARGE}},
    ),
    "a band for the federated server": (
        4, {"radio": {**ASSUMED["radio"], "federated_bandwidth": "2 kHz"}, "payloads": {"adapter": LARGE}},
    ),
}  # fmt: skip
"""With how many local steps, and what differs."""


IN_SUBCHANNELS: dict[str, dict[str, Any]] = {
    "whole subchannels": {"name": "sfllm", "subchannels": 2 * USERS},
    "whole subchannels, less power": {"name": "sfllm", "subchannels": 3 * USERS, "total_power": "15 mW"},
}
COMPARED = [(case, "fedsllm") for case in CASES] + [
    ("real tensors", name) for name in ("equal", "fixed_accuracy", "random")
]


def scheme(allocation: Any = "fedsllm", **given: Any) -> dict[str, Any]:
    return {"name": "fedsllm", "cut": 1, "local_steps": None, "allocation": allocation, **given}


def whole_numbers(run: Run, steps: int, rounds: int) -> LearningModel:
    """The learning model by which the optimum has just so many steps and rounds, so that nothing is rounded up."""

    demand = run.scheme.demand_with(run.scheme.choice.cuts, None, batches_of(run.scheme, range(8)))

    def eta(v: float) -> float:
        problem = run.world.bands.problem(demand, LearningModel(a=1.0, v=v))
        return float(run.scheme.allocator.allocate(problem).eta[0])

    v = brentq(lambda v: -v * np.log2(eta(v)) - steps, 0.1, 1e4, xtol=1e-13, rtol=1e-14)
    return LearningModel(a=rounds * (1.0 - eta(v)), v=v)


@pytest.mark.parametrize(("case", "allocator"), COMPARED)
def test_theory_equals_simulation(run_small: Runner, case: str, allocator: str) -> None:
    steps, sections = CASES[case][0], {**ASSUMED, **CASES[case][1]}
    model = whole_numbers(run_small(scheme(allocator, rounds=1), **sections), steps, ROUNDS)
    run = run_small(scheme(allocator, rounds=99, convergence={"a": model.a, "v": model.v}), **sections)
    assert (run.scheme.plan["local_steps"], run.scheme.plan["rounds"]) == (steps, ROUNDS)
    assert run.world.clock.now_s == pytest.approx(run.scheme.plan["delay_s"], rel=THEORY)


@pytest.mark.parametrize("allocation", IN_SUBCHANNELS.values(), ids=IN_SUBCHANNELS)
@pytest.mark.parametrize("case", CASES)
def test_theory_equals_simulation_in_whole_subchannels(
    run_small: Runner, case: str, allocation: dict[str, Any]
) -> None:
    """At a given local accuracy: its optimum jumps with v, so that no v gives just so many steps."""
    steps, given = CASES[case]
    options = scheme({**allocation, "eta": 0.5}, rounds=99, convergence={"a": ROUNDS * 0.5, "v": float(steps)})
    run = run_small(options, **{**ASSUMED, **given})
    assert (run.scheme.plan["local_steps"], run.scheme.plan["rounds"]) == (steps, ROUNDS)
    assert run.world.clock.now_s == pytest.approx(run.scheme.plan["delay_s"], rel=THEORY)


def test_users_in_subchannels_radiate_no_more_than_they_are_granted(run_small: Runner) -> None:
    """Ten milliwatts each, but together ten: less energy on the air, and later."""
    found = {}
    for watts in (None, "10 mW"):
        allocation = {"name": "sfllm", "subchannels": USERS, "eta": 0.5, "total_power": watts}
        run = run_small(scheme(allocation, rounds=1, convergence={"a": 1.0, "v": 2.0}), **ASSUMED)
        uplinks = [a for a in run.world.recorder.activities if a.kind == "uplink"]
        took_s = {user: 1e-9 * sum(a.end_ns - a.start_ns for a in uplinks if a.user == user) for user in range(USERS)}
        radiated_w = sum(sum(a.energy_j for a in uplinks if a.user == user) / took_s[user] for user in took_s)
        found[watts] = radiated_w, run.world.clock.now_s
    assert found["10 mW"][0] == pytest.approx(10e-3, rel=1e-6)  # energies are kept to some digits
    assert 10e-3 < found[None][0] < USERS * 10e-3
    assert found["10 mW"][1] > found[None][1]


def test_all_users_finish_together(run_small: Runner) -> None:
    run = run_small(scheme(rounds=2, convergence={"a": 160.0, "v": 4.0}), **ASSUMED)
    for number in (1, 2):
        ends = {a.user: a.end_ns for a in run.world.recorder.activities if (a.round, a.kind) == (number, "uplink")}
        assert len(ends) == USERS
        assert max(ends.values()) - min(ends.values()) < THEORY * 1e9 * run.world.clock.now_s


def test_time_in_turns_is_never_longer_than_theory_has_it(run_small: Runner) -> None:
    """Who has computed sends while others still compute, and theory waits for all."""
    run = run_small(scheme("tdma", rounds=2, local_steps=1, convergence={"a": 2.0, "v": 1e9}), **ASSUMED)
    assert run.scheme.plan["rounds_needed"] >= 2
    per_round_s = run.scheme.plan["delay_s"] / (2.0 / (1.0 - run.scheme.plan["eta"]))
    assert run.world.clock.now_s / 2 < per_round_s


def test_the_scenario_may_have_fewer_rounds_and_says_so(run_small: Runner) -> None:
    plan = run_small(scheme(rounds=2, convergence={"a": 160.0, "v": 4.0}), **ASSUMED).scheme.plan
    assert plan["rounds"] == 2
    assert plan["rounds_needed"] == pytest.approx(160.0 / (1.0 - plan["eta"]), abs=1.0)


def test_given_local_steps_are_a_local_accuracy(run_small: Runner) -> None:
    plan = run_small(scheme(rounds=1, local_steps=8, convergence={"a": 160.0, "v": 4.0}), **ASSUMED).scheme.plan
    assert (plan["local_steps"], plan["eta"]) == (8, 0.25)


@pytest.mark.parametrize(
    ("name", "allocator"), [("federated", "fedsllm"), ("fedsllm", "fedsllm"), ("fedsllm", "sfllm")]
)
def test_bands_dealt_each_round_beat_bands_dealt_once_where_channels_change(
    run_small: Runner, name: str, allocator: str
) -> None:
    """In paired runs: the same users, the same fading, blocks of which last several rounds."""
    radio = {**ASSUMED["radio"], "bandwidth": "20 kHz", "fading": "rayleigh", "coherence_time": "60 s"}
    took: dict[str, list[float]] = {}
    for every in ("run", "round"):
        options = {"name": name, "local_steps": 1, "rounds": 8, "allocation": {"name": allocator, "every": every}}
        runs = [run_small(options, **{**ASSUMED, "radio": radio, "seed": seed}) for seed in range(2)]
        took[every] = [run.world.clock.now_s for run in runs]
    assert (np.array(took["round"]) < np.array(took["run"])).all()


@pytest.mark.parametrize("name", ["fedsllm", "tdma"])
def test_bands_dealt_each_round_change_nothing_where_channels_do_not(run_small: Runner, name: str) -> None:
    once, anew = (
        run_small(scheme(rounds=3, local_steps=1, allocation={"name": name, "every": every}), **ASSUMED)
        for every in ("run", "round")
    )
    assert anew.world.recorder.activities == once.world.recorder.activities


def test_users_of_several_cells_share_the_band_of_their_own(run_small: Runner) -> None:
    sections = {**ASSUMED, "edges": {**ASSUMED["edges"], "count": 2}, "backhaul": {"rate": "1000 Tbit/s"}}
    run = run_small({"name": "federated", "rounds": 1, "local_steps": 1, "allocation": "fedsllm"}, **sections)
    ends = {a.user: a.end_ns for a in run.world.recorder.activities if a.kind == "uplink"}
    for edge in run.world.edges:
        there = [ends[user.index] for user in run.world.users if user.edge is edge]
        assert max(there) - min(there) < THEORY * 1e9 * run.world.clock.now_s


@pytest.mark.parametrize("layout", ["separate", {"name": "hexagonal", "site_distance": "500 m"}])
def test_more_users_than_subchannels_in_a_cell_are_refused(run_small: Runner, layout: Any) -> None:
    """Wherever users turn out to be."""
    sections = {**ASSUMED, "radio": {**ASSUMED["radio"], "layout": layout}}
    with pytest.raises(ScenarioError, match=r"subchannels = 3: cell 0 has 5 users \(0, 1, 2, 3, 4\)"):
        run_small({"name": "federated", "rounds": 1, "allocation": {"name": "sfllm", "subchannels": 3}}, **sections)


def test_the_federated_server_is_at_one_edge_server_or_in_the_cloud(run_small: Runner) -> None:
    sections = {**ASSUMED, "edges": {**ASSUMED["edges"], "count": 2}}
    with pytest.raises(ScenarioError, match="federated_server = 'edge': there are 2 edge servers"):
        run_small(scheme(rounds=1, federated_server="edge"), **sections)
    assert run_small(scheme(rounds=1), **sections).scheme.federated_server.name == "cloud"
    assert run_small(scheme(rounds=1), **ASSUMED).scheme.federated_server.name == "edge0"
    assert run_small(scheme(rounds=1, federated_server="cloud"), **ASSUMED).scheme.federated_server.name == "cloud"
