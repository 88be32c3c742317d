"""SplitLLM's idle users, its one-time segments, its ways through the network and its local epochs, counted by hand."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from channel_models.randomness import Stream
from cosim.pairing.round_robin import RoundRobin
from cosim.runner import Run
from cosim.world import World
from training.base_model import load_base

Runner = Callable[..., Run]

BATCH, LENGTH, HIDDEN, POSITIONS, RANK = 2, 16, 32, 32, 4
ACTIVATION = 4 * BATCH * LENGTH * HIDDEN  # bytes, either way
BLOCK = 4 * (12 * HIDDEN**2 + 13 * HIDDEN)  # frozen weights of a block of GPT-2
BLOCK_ADAPTER = 4 * RANK * (HIDDEN + 3 * HIDDEN)  # LoRA on c_attn
USERS, ROUNDS, STEPS = 5, 3, 2


def run_pairs(run_small: Runner, edges: int = 2, sections: dict[str, Any] | None = None, **options: Any) -> Run:
    """An analytic run of five users, by default with two edge servers, over three rounds of two steps."""
    return run_small(
        {"name": "splitllm", "cut": [1, 3], "rounds": ROUNDS, "local_steps": STEPS, **options},
        users={"count": USERS, "compute": {"speed": "1 GFLOP/s", "spread": 0.5}},
        edges={"count": edges, "compute": {"speed": "2 GFLOP/s"}},
        execution="analytic",
        **(sections or {}),
    )


def pairs_of(run: Run) -> list[list[tuple[int, int]]]:
    """The users and edge servers of each round."""
    world, policy = run.world, RoundRobin(stream=Stream(run.world.seed, "pairing"))
    rounds = (policy.pairs(number, world.users, world.edges) for number in range(1, ROUNDS + 1))
    return [[(user.index, edge.index) for user, edge in pairs] for pairs in rounds]


def carried(run: Run, column: str, kind: str) -> int:
    return sum(getattr(a, f"{column}_bytes") for a in run.world.recorder.activities if a.kind == kind)


def user_segment(run: Run) -> int:
    """Bytes of the embeddings and one block."""
    return 4 * HIDDEN * (len(load_base("tiny-gpt2").tokenizer) + POSITIONS) + BLOCK


def test_idle_users_hold_and_send_nothing(run_small: Runner) -> None:
    run = run_pairs(run_small)
    ends_ns = np.array([round(row["sim_time_s"] * 1e9) for row in run.observer.rows])
    changes = run.world.ledger.changes()
    for user in run.world.users:
        paired = {n for n, pairs in enumerate(pairs_of(run), 1) if user.index in dict(pairs)}
        own = changes[changes["node"] == run.world.ledger.nodes.index(user.name)]
        instants, places = np.unique(own["instant_ns"][::-1], return_index=True)
        after = np.cumsum(own["bytes"])[len(own) - 1 - places]  # held from each instant on
        assert {int(np.searchsorted(ends_ns, at, side="right")) for at in instants[after > 0]} <= paired
        assert run.world.users[user.index].memory.left()["weights"] == 0
        sent = {a.round for a in run.world.recorder.activities if a.node == user.name and a.act != "waiting"}
        assert sent == paired


def test_who_is_never_paired_holds_nothing_ever_though_its_segment_has_come(run_small: Runner) -> None:
    run = run_pairs(run_small, edges=1)
    idle = set(range(USERS)) - {user for pairs in pairs_of(run) for user, _ in pairs}
    assert len(idle) == USERS - ROUNDS
    assert {run.world.users[index].memory.peaks()["total"] for index in idle} == {0}


def test_a_user_holds_of_the_model_its_own_segment_only(run_small: Runner) -> None:
    run = run_pairs(run_small)
    (index, _), *_ = pairs_of(run)[0]
    peaks = run.world.users[index].memory.peaks()
    assert peaks["adapter"] == BLOCK_ADAPTER == peaks["gradient"] == peaks["optimiser"] // 2
    assert peaks["weights"] == user_segment(run)


def test_segments_travel_once_and_only_if_they_shall(run_small: Runner) -> None:
    """A copy for each user over backhaul and radio, and for each edge server over the backhaul."""
    run, without = run_pairs(run_small), run_pairs(run_small, distribution=False)
    assert carried(run, "model", "downlink") == USERS * user_segment(run)
    assert carried(run, "model", "backhaul") == USERS * user_segment(run) + 2 * 2 * BLOCK
    assert carried(run, "model", "uplink") == 0
    assert {a.round for a in run.world.recorder.activities if a.model_bytes} == {1}
    assert sum(a.model_bytes for a in without.world.recorder.activities) == 0
    assert without.world.clock.now_ns < run.world.clock.now_ns


def test_segments_take_no_memory_on_their_way(run_small: Runner) -> None:
    """They go by storage, so that what an edge server needs does not hang on how many users there are."""
    run = run_pairs(run_small)
    trains_ns = min(a.start_ns for a in run.world.recorder.activities if a.adapter_bytes)
    before = run.world.ledger.changes(trains_ns - 1)
    assert set(before["instant_ns"]) == {0}
    assert before["bytes"].sum() == sum(node.memory.left()["weights"] for node in (*run.world.edges, run.world.cloud))


@pytest.mark.parametrize("cloud_update", ["sequential", "mean", "replicated"])
def test_only_paired_users_and_their_edge_servers_exchange_adapters(cloud_update: str, run_small: Runner) -> None:
    """Of a block each user, of two each edge server, out and back in each round; the cloud's own go nowhere."""
    run = run_pairs(run_small, cloud_update=cloud_update)
    assert carried(run, "adapter", "uplink") == carried(run, "adapter", "downlink") == ROUNDS * 2 * BLOCK_ADAPTER
    assert carried(run, "adapter", "backhaul") == 2 * ROUNDS * 2 * (1 + 2) * BLOCK_ADAPTER


def test_what_goes_to_an_edge_server_that_does_not_serve_the_user_goes_by_the_cloud(run_small: Runner) -> None:
    """Serving edge server - cloud - paired edge server - cloud: two hops more than at home, and back likewise."""
    run = run_pairs(run_small)
    serving = [user.link.serving.index for user in run.world.users]
    abroad = sum(serving[user] != edge for pairs in pairs_of(run) for user, edge in pairs)
    assert abroad > 0
    messages = STEPS * (ROUNDS * 2 + 2 * abroad)
    assert carried(run, "activation", "backhaul") == carried(run, "gradient", "backhaul") == messages * ACTIVATION
    assert carried(run, "activation", "uplink") == STEPS * ROUNDS * 2 * ACTIVATION
    at_home = run_pairs(run_small, pairing="attachment")
    assert carried(at_home, "activation", "backhaul") == STEPS * ROUNDS * 2 * ACTIVATION


def test_local_epochs_go_through_each_users_own_data(run_small: Runner) -> None:
    few = {"partition": {"name": "iid", "samples_per_user": 14}, "batch_size": BATCH, "sequence_length": LENGTH}
    run = run_pairs(run_small, sections={"data": few}, local_steps=None, local_epochs=2)
    turns = Counter(
        (a.round, a.user)
        for a in run.world.recorder.activities
        if a.node == "cloud" and a.act == "computing" and a.flops and a.user >= 0
    )
    assert turns == {
        (number, index): 2 * (run.world.users[index].samples // BATCH)
        for number, pairs in enumerate(pairs_of(run), 1)
        for index, _ in pairs
    }


def test_a_user_goes_on_with_the_mini_batches_after_those_of_its_last_round(
    run_small: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[int, list[int]] = {index: [] for index in range(USERS)}
    batch_rows = World.batch_rows

    def noted(world: World, user: Any, index: int) -> tuple[int, ...]:
        asked[user.index].append(index)
        return batch_rows(world, user, index)

    monkeypatch.setattr(World, "batch_rows", noted)
    run_pairs(run_small)
    assert {index: found for index, found in asked.items() if found != list(range(len(found)))} == {}
    assert sum(len(found) for found in asked.values()) == ROUNDS * 2 * STEPS
