"""FedsLLM chooses its cut and SflLLM's rank: what theory expects to be fastest is what runs of all of them say."""

from collections.abc import Callable
from typing import Any

import pytest

from cosim import results, tables
from cosim.runner import Run

Runner = Callable[..., Run]

BLOCKS, USERS, STEPS, ROUNDS = 4, 3, 2, 3
CUTS = range(1, BLOCKS)
ROUNDING = 1e-12
"""Relative, of sums of doubles that are made in another order."""
THEORY = 1e-9
"""Relative: a nanosecond, to which acts are rounded, in rounds of over a minute."""
MODEL = {"a": 4.0, "v": 2.0}
HALF = 2.0 ** (-STEPS / MODEL["v"])
"""The local accuracy that STEPS come to."""


def world(users: str = "2 MFLOP/s", server: str = "4 MFLOP/s", bandwidth: str = "10 kHz") -> dict[str, Any]:
    """A static channel, a main server that keeps nobody waiting, no time for what comes down."""
    return {
        "execution": "analytic",
        "host": {"device": "cpu", "cache": True},  # of tokens and prices, as nothing is learned
        "users": {"count": USERS, "compute": {"speed": users, "spread": 0.5}, "power": "10 dBm"},
        "edges": {"count": 1, "compute": {"speed": server, "jobs": USERS}},
        "radio": {"bandwidth": bandwidth, "fading": "none", "downlink": "neglected", "cell_radius": "250 m"},
    }


def scheme(**given: Any) -> dict[str, Any]:
    return {"name": "fedsllm", "cut": "auto", "rounds": 1, "local_steps": None, "convergence": MODEL, **given}


WORLDS = {
    "slow users": world("200 kFLOP/s", "1 TFLOP/s", "10 MHz"),
    "slow server": world("1 TFLOP/s", "200 kFLOP/s", "10 MHz"),
    "narrow band": world("1 GFLOP/s", "900 MFLOP/s", "1 kHz"),
    "paper's constants": {
        **world("2 MFLOP/s", "1 MFLOP/s", "1 kHz"),
        "payloads": {"round_activations": "64 kbit", "adapter": "28.1 kbit"},
    },
}
each_world = pytest.mark.parametrize("sections", WORLDS.values(), ids=WORLDS)
each_allocator = pytest.mark.parametrize("allocation", ["fedsllm", {"name": "sfllm", "subchannels": 8}])


@each_world
@each_allocator
def test_the_cut_is_the_fastest_of_all(run_small: Runner, sections: dict[str, Any], allocation: Any) -> None:
    chosen = run_small(scheme(allocation=allocation), **sections).scheme.plan
    tried = {cut: run_small(scheme(allocation=allocation, cut=cut), **sections).scheme.plan for cut in CUTS}
    best = min(tried, key=lambda cut: tried[cut]["delay_s"])
    assert chosen == tried[best]
    assert chosen["cut"] == best


def test_slow_users_get_a_shallow_cut_and_slow_servers_a_deep_one(run_small: Runner) -> None:
    """The delay is affine in the share of the users, so that it sits at a bound."""
    cuts = {name: run_small(scheme(), **WORLDS[name]).scheme.plan["cut"] for name in ("slow users", "slow server")}
    assert cuts == {"slow users": 1, "slow server": BLOCKS - 1}


@pytest.mark.parametrize(
    ("rounds", "fastest"), [({1: 60, 2: 60, 4: 60}, 1), ({1: 600, 2: 50, 4: 45}, None), ({"1": 600.0, "4": 30.5}, 4)]
)
def test_cut_and_rank_are_the_fastest_of_all(run_small: Runner, rounds: dict[Any, float], fastest: int | None) -> None:
    """E(r) times the round that users of that rank have; with equal rounds the rank that sends least."""
    sections = world("1 MFLOP/s", "900 kFLOP/s", "500 Hz")
    plan = run_small(scheme(ranks=rounds, local_steps=STEPS), **sections).scheme.plan
    tried = {}
    for rank, count in rounds.items():
        for cut in CUTS:
            users = {**sections["users"], "ranks": [int(rank)]}
            theory = {"a": count * (1.0 - HALF), "v": MODEL["v"]}  # so that there are just so many rounds
            run = run_small(scheme(cut=cut, local_steps=STEPS, convergence=theory), **{**sections, "users": users})
            tried[cut, int(rank)] = run.scheme.plan["delay_s"]
    best = min(tried, key=lambda each: tried[each])
    assert (plan["cut"], plan["rank"]) == best
    assert plan["delay_s"] == pytest.approx(tried[best], rel=ROUNDING)
    assert fastest in {None, plan["rank"]}


def test_theory_equals_simulation_at_the_chosen_cut_and_rank(run_small: Runner) -> None:
    options = scheme(ranks={1: ROUNDS + 2, 2: ROUNDS, 4: ROUNDS}, local_steps=STEPS, rounds=99)
    run = run_small(options, **world("500 kFLOP/s", "100 PFLOP/s", "1 kHz"))
    assert (run.scheme.plan["rank"], run.scheme.plan["rounds"]) == (2, ROUNDS)
    assert run.world.clock.now_s == pytest.approx(run.scheme.plan["delay_s"], rel=THEORY)


@pytest.mark.parametrize("server", ["replicated", "shared"])
def test_the_rank_is_everybodys(run_small: Runner, server: str) -> None:
    run = run_small(scheme(ranks={2: 9.5}, local_steps=STEPS, server=server), **world())
    assert {stage.adapter.output.ranks for chain in run.scheme.chains for stage in chain} == {(2,) * BLOCKS}


def test_choosing_leaves_no_traces(run_small: Runner) -> None:
    """A run is the same as one that was told what the other chose: in time, bytes and memory."""
    sections = {**world("200 kFLOP/s"), "execution": "deferred"}
    chosen = run_small(scheme(ranks={2: 4}, local_steps=STEPS), **sections)
    told = {"cut": chosen.scheme.plan["cut"], "local_steps": STEPS}
    same = run_small(scheme(**told), **{**sections, "users": {**sections["users"], "ranks": [2]}})
    assert chosen.world.recorder.activities == same.world.recorder.activities
    assert tables.memory_frame(chosen).equals(tables.memory_frame(same))
    assert chosen.observer.rows == same.observer.rows


def test_the_summary_says_what_was_chosen(run_small: Runner) -> None:
    run = run_small(scheme(ranks={4: 2, 1: 2}, local_steps=STEPS), **world())
    plan = results.summarise(run, tables.events_frame(run), tables.memory_frame(run))["plan"]
    assert (plan["cut"], plan["rank"], plan["rounds_needed"], plan["local_steps"]) == (1, 1, 2, STEPS)


def test_two_given_cuts_are_not_said_to_be_one(run_small: Runner) -> None:
    plan = run_small(scheme(cut=[1, 3]), **world()).scheme.plan
    assert not {"cut", "rank"} & set(plan)


def test_a_rank_may_be_chosen_for_two_given_cuts(run_small: Runner) -> None:
    """With equal rounds the one that sends least."""
    run = run_small(scheme(cut=[1, 3], ranks={4: 5, 1: 5}, local_steps=STEPS), **world())
    assert (run.scheme.plan["rank"], len(run.scheme.parts)) == (1, 3)
