"""SplitFT against split-fed learning, its moving cuts, its ranks at the cut, and its traffic counted by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.cuts.base import Cuts, Fleet
from cosim.runner import Run
from cosim.scenario import ScenarioError
from cosim.schemes.cut_times import forecast
from cosim.schemes.places import Place
from training.adapters import Part

Runner = Callable[..., Run]

HIDDEN, RANK, BLOCKS = 32, 4, 4
BLOCK_ADAPTER = 4 * RANK * (HIDDEN + 3 * HIDDEN)  # bytes of LoRA on c_attn
BLOCK = 4 * (12 * HIDDEN**2 + 13 * HIDDEN)  # frozen weights of a block of GPT-2
BACK_AND_FORTH = "tests.cosim.schemes.test_splitft:BackAndForth"
TO_AND_FRO: dict[str, Any] = {"name": "splitft", "cut": 1, "policy": BACK_AND_FORTH, "every": 1, "rounds": 4}


class BackAndForth:
    """Everybody one layer deeper, and back again."""

    scored = False
    timed = False

    def cuts(self, fleet: Fleet) -> Cuts:
        return np.where(fleet.cuts == 1, 2, 1)


class Greedy:
    """Everybody as deep as can be."""

    scored = False
    timed = False

    def cuts(self, fleet: Fleet) -> Cuts:
        return np.full_like(fleet.cuts, 99)


def adapter(run: Run) -> torch.Tensor:
    assert run.observer.last is not None
    return torch.cat([state.weights for state in run.runtime.values(run.observer.last.adapters)])


def learnt(run: Run) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in ("round", "train_loss", "loss", "accuracy")) for row in run.observer.rows]


def carried(run: Run, column: str, kind: str) -> int:
    return sum(getattr(a, f"{column}_bytes") for a in run.world.recorder.activities if a.kind == kind)


@pytest.mark.parametrize("cut", [1, 3])
def test_at_one_cut_and_one_rank_it_is_split_fed_learning(cut: int, run_small: Runner) -> None:
    fixed, splitfed = (run_small({"name": name, "cut": cut}) for name in ("splitft", "splitfed"))
    assert learnt(fixed) == learnt(splitfed)
    assert torch.equal(adapter(fixed), adapter(splitfed))
    for column in ("activation", "gradient", "adapter", "label"):
        for kind in ("uplink", "downlink"):
            assert carried(fixed, column, kind) == carried(splitfed, column, kind)
    assert fixed.world.clock.now_ns == pytest.approx(
        splitfed.world.clock.now_ns, abs=10
    )  # one average, not two: rounding


@pytest.mark.parametrize("execution", ["deferred", "eager"])
def test_wherever_clients_cut_the_same_is_learned(execution: str, run_small: Runner) -> None:
    """Eagerly parts learn one by one, whose sums have another order than those of a whole step."""
    different, splitfed = (
        run_small(scheme, execution=execution)
        for scheme in ({"name": "splitft", "cut": [1, 2, 3]}, {"name": "splitfed", "cut": 2})
    )
    assert torch.allclose(adapter(different), adapter(splitfed), atol=0.0 if execution == "deferred" else 5e-5)


def test_a_cut_that_moves_changes_nothing_of_what_is_learned(run_small: Runner) -> None:
    moving, still = run_small(TO_AND_FRO), run_small({**TO_AND_FRO, "policy": "fixed"})
    assert learnt(moving) == learnt(still)
    assert torch.equal(adapter(moving), adapter(still))
    assert moving.world.clock.now_ns > still.world.clock.now_ns


def test_without_a_learning_rate_a_cut_that_moves_changes_nothing(run_small: Runner) -> None:
    still = run_small({**TO_AND_FRO, "cut_rank": 2}, training={"lr": 1e-12})
    begun = run_small({"name": "splitfed", "cut": 1, "rounds": 1}, training={"lr": 1e-12})
    assert torch.allclose(adapter(still), adapter(begun), atol=1e-9)  # of steps of 1e-12 each


def test_the_models_own_rank_at_the_cut_is_no_reduction(run_small: Runner) -> None:
    own, none = (run_small({"name": "splitft", "cut": 2, "cut_rank": rank}) for rank in (RANK, None))
    assert own.world.recorder.activities == none.world.recorder.activities
    assert torch.equal(adapter(own), adapter(none))


@pytest.mark.parametrize(("sides", "narrow"), [("client", [1]), ("both", [1, 2])])
def test_at_the_cut_only_the_first_components_are_trained(sides: str, narrow: list[int], run_small: Runner) -> None:
    run = run_small({"name": "splitft", "cut": 2, "cut_rank": 1, "cut_sides": sides})
    begun = run_small({"name": "splitft", "cut": 2, "rounds": 1}, training={"lr": 1e-12})
    layout = run.runtime.lab.layout
    ends, starts = ([m[0] for m in layout.matrices(layout_whole(run), adapter(each)[None])] for each in (run, begun))
    for block in range(BLOCKS):
        (a, b), (a_before, b_before) = ends[2 * block : 2 * block + 2], starts[2 * block : 2 * block + 2]
        untrained = torch.allclose(a[1:], a_before[1:], atol=1e-9) and torch.allclose(
            b[:, 1:], b_before[:, 1:], atol=1e-9
        )
        assert untrained == (block in narrow)
        assert not torch.allclose(b[:, 0], b_before[:, 0], atol=1e-9)


def layout_whole(run: Run) -> Any:
    return run.runtime.lab.whole


def test_a_component_is_averaged_over_those_who_trained_it(run_small: Runner) -> None:
    """By hand: clients that cut elsewhere have the block in full; what the one at the cut lacks is not averaged in."""
    run = run_small({"name": "splitft", "cut": [1, 2, 3], "cut_rank": 1, "cut_sides": "client", "rounds": 1})
    begun = run_small({"name": "splitft", "cut": 2, "rounds": 1}, training={"lr": 1e-12})
    assert run.observer.last is not None
    states = [
        torch.cat([s.weights for s in run.runtime.values(run.observer.last.states[i : i + 2])]) for i in (0, 2, 4)
    ]
    samples = [float(user.samples) for user in run.world.users]
    layout, whole = run.runtime.lab.layout, layout_whole(run)
    views = [layout.matrices(whole, state[None]) for state in states]
    found, before = (layout.matrices(whole, adapter(each)[None]) for each in (run, begun))
    for block in range(BLOCKS):
        full = [i for i in range(3) if i != block]  # client i cuts behind block i
        rest = sum(samples[i] * views[i][2 * block][0, 1:] for i in full) / sum(samples[i] for i in full)
        first = sum(samples[i] * views[i][2 * block][0, 0] for i in range(3)) / sum(samples)
        assert torch.allclose(found[2 * block][0, 1:], rest, atol=1e-6)
        assert torch.allclose(found[2 * block][0, 0], first, atol=1e-6)
        assert not torch.allclose(found[2 * block][0], before[2 * block][0], atol=1e-6)


def test_adapters_on_the_radio_are_of_the_clients_blocks_narrow_at_the_cut(run_small: Runner) -> None:
    """Each round up and down: (cut - 1) blocks in full and one of the lower rank, of each of three clients."""
    run = run_small({"name": "splitft", "cut": [1, 2, 3], "cut_rank": 1}, execution="analytic")
    per_round = sum((cut - 1) * BLOCK_ADAPTER + BLOCK_ADAPTER // RANK for cut in (1, 2, 3))
    assert carried(run, "adapter", "uplink") == carried(run, "adapter", "downlink") == 2 * per_round


@pytest.mark.parametrize("weights", ["placed", "sent"])
def test_moved_blocks_travel_as_moments_and_if_not_placed_as_weights(weights: str, run_small: Runner) -> None:
    run = run_small({**TO_AND_FRO, "weights": weights, "most_cut": 2}, execution="analytic")
    still = run_small({**TO_AND_FRO, "policy": "fixed"}, execution="analytic")
    moments, users = 2 * BLOCK_ADAPTER, 3
    # deeper before rounds 2 and 4, back before round 3; averages of round 2 and 4 are of two blocks
    assert carried(run, "adapter", "downlink") - carried(still, "adapter", "downlink") == users * 2 * (
        moments + BLOCK_ADAPTER
    )
    assert carried(run, "adapter", "uplink") - carried(still, "adapter", "uplink") == users * (
        moments + 2 * BLOCK_ADAPTER
    )
    assert carried(run, "model", "downlink") == (2 * users * BLOCK if weights == "sent" else 0)
    assert run.world.users[0].memory.peaks()["adapter"] == 2 * BLOCK_ADAPTER
    assert run.world.users[0].memory.left()["adapter"] == 2 * BLOCK_ADAPTER


def test_a_cut_moves_by_no_more_than_it_may_and_no_deeper(run_small: Runner) -> None:
    greedy = {**TO_AND_FRO, "policy": "tests.cosim.schemes.test_splitft:Greedy", "most_cut": 3, "largest_move": 1}
    run = run_small(greedy, execution="analytic")
    up = [
        sum(a.adapter_bytes for a in run.world.recorder.activities if (a.round, a.kind) == (n, "uplink"))
        for n in (1, 2, 3, 4)
    ]
    assert up == [3 * cut * BLOCK_ADAPTER for cut in (1, 2, 3, 3)]


@given(seed=st.integers(0, 2**32 - 1), weights=st.sampled_from(["placed", "sent"]))
@settings(max_examples=3, deadline=None)
def test_whoever_wants_more_blocks_gets_what_its_memory_holds(seed: int, weights: str, run_small: Runner) -> None:
    """Clients have memory for one block, and by chance for more; they never hold more than that."""
    users, draw = 4, np.random.default_rng(seed)
    tight: dict[str, Any] = {**TO_AND_FRO, "policy": "tests.cosim.schemes.test_splitft:Greedy", "weights": weights}
    sections = {"execution": "analytic", "users": {"count": users, "compute": {"speed": "1 GFLOP/s", "spread": 0.5}}}
    free = run_small({**tight, "rounds": 1}, **sections)
    needs = [
        [free.scheme.needs.alone(Place(user, Part(first=0, last=cut), None, user.name), user) for cut in (1, 2, 3)]
        for user in free.world.users
    ]
    memory = [int(draw.uniform(least, 1.1 * most)) for least, _, most in needs]
    sections["users"]["memory"] = [f"{nbytes} B" for nbytes in memory]
    run = run_small(tight, **sections)
    for user, own, limit in zip(run.world.users, needs, memory, strict=True):
        assert run.scheme.cut_of(user) == sum(need <= limit for need in own)
        assert user.memory.peaks()["total"] <= limit


def test_a_client_without_memory_for_the_shallowest_cut_is_named(run_small: Runner) -> None:
    users = {"count": 3, "compute": {"speed": "1 GFLOP/s"}, "memory": ["1 GB", "1 kB"]}
    message = r"users.memory: user1 has memory for 0 blocks, and scheme.least_cut is 1"
    with pytest.raises(ScenarioError, match=message):
        run_small({"name": "splitft"}, users=users)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_round_takes_as_long_as_is_expected_of_a_client_alone(cut: int, run_small: Runner) -> None:
    """But for what is left out: the average's way over the backhaul, adapters to and from the server, averaging."""
    alone = {
        "users": {"count": 1, "compute": {"speed": "0.1 GFLOP/s"}},
        "edges": {"count": 1, "compute": {"speed": "0.2 GFLOP/s"}},
    }
    radio = {"radio": {"fading": "none"}, "backhaul": {"rate": "1 Tbit/s", "latency": "0 s"}}
    run = run_small({"name": "splitft", "cut": cut, "rounds": 1}, execution="analytic", **alone, **radio)
    expected = forecast(run.scheme, run.scheme.layers, 0)
    assert run.scheme.measured_s[0] == pytest.approx(expected.alone_s[0, cut - 1], rel=0.01)


def test_the_shortest_rounds_are_shorter_than_at_any_one_cut(run_small: Runner) -> None:
    """Clients differ nineteenfold in speed, and share a server that is about as fast as the fastest of them."""
    devices: dict[str, Any] = {
        "users": {"count": 3, "compute": {"speed": "0.2 GFLOP/s", "spread": 0.9}},
        "edges": {"count": 1, "compute": {"speed": "0.6 GFLOP/s"}},
        "radio": {"bandwidth": "100 MHz", "fading": "none"},
    }
    rest: dict[str, Any] = {"name": "splitft", "cut": 2, "every": 1, "rounds": 4}
    fastest = run_small({**rest, "policy": "optimal_delay"}, execution="analytic", **devices)
    fixed = [run_small({**rest, "cut": cut}, execution="analytic", **devices) for cut in (1, 2, 3)]
    assert len({fastest.scheme.cut_of(user) for user in fastest.world.users}) > 1
    assert last_round_s(fastest) < min(last_round_s(run) for run in fixed)


def last_round_s(run: Run) -> float:
    *_, before, after = (row["sim_time_s"] for row in run.observer.rows)
    return float(after - before)


@pytest.mark.parametrize("policy", ["performance", "sign", "performance_and_resource"])
def test_policies_that_look_at_scores_decide_alike_however_jobs_run(policy: str, run_small: Runner) -> None:
    scheme = {"name": "splitft", "cut": 2, "policy": policy, "every": 1, "rounds": 3, "cut_rank": 1}
    eager, deferred = (run_small(scheme, execution=execution) for execution in ("eager", "deferred"))
    assert eager.world.recorder.activities == deferred.world.recorder.activities
    assert torch.allclose(adapter(eager), adapter(deferred), atol=5e-5)


def test_an_analytic_run_has_no_scores_to_look_at(run_small: Runner) -> None:
    with pytest.raises(ScenarioError, match=r"execution = 'analytic': the scheme decides by 'metrics'"):
        run_small({"name": "splitft", "cut": 2, "policy": "sign", "every": 1}, execution="analytic")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cut": 9}, r"scheme.cut = 9: the model has 4 blocks; expected 3 at most"),
        ({"most_cut": 4}, r"scheme.most_cut = 4: the model has 4 blocks"),
        ({"cut": 3, "most_cut": 2}, r"cut = 3: must lie between least_cut = 1 and most_cut = 2"),
        ({"policy": {"name": "performance", "gamma": -1.0}}, r"gamma = -1: must not be negative"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str, run_small: Runner) -> None:
    with pytest.raises((ScenarioError, ValueError), match=message):
        run_small({"name": "splitft", **options})
