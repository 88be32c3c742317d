"""Traffic, time and memory of the schemes against what theory says they must be, computed by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from cosim import results, tables
from cosim.recorder import NOBODY
from cosim.runner import Run

Runner = Callable[..., Run]

ROUNDS, STEPS, USERS, EDGES = 2, 2, 3, 2
BATCH, LENGTH, HIDDEN, BLOCKS, RANK = 2, 16, 32, 4, 4
ACTIVATION = 4 * BATCH * LENGTH * HIDDEN  # bytes, either way
LABELS = 4 * BATCH * LENGTH
BLOCK_ADAPTER = 4 * RANK * (HIDDEN + 3 * HIDDEN)  # LoRA on c_attn: A (r, H) and B (3H, r)
STEPS_IN_ALL = ROUNDS * STEPS * USERS


def traffic(run: Run) -> dict[str, int]:
    events, memory = tables.events_frame(run), tables.memory_frame(run)
    return dict(results.summarise(run, events, memory)["traffic_bytes"])


def test_federated_learning_sends_adapters_only(run_small: Runner) -> None:
    adapters = ROUNDS * USERS * BLOCKS * BLOCK_ADAPTER
    run = run_small({"name": "federated"})
    assert traffic(run) == {"uplink": adapters, "downlink": adapters, "backhaul": 2 * adapters}
    assert {a.activation_bytes + a.label_bytes for a in run.world.recorder.activities} == {0}


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_split_fed_sends_activations_up_and_gradients_down_and_the_users_adapters(cut: int, run_small: Runner) -> None:
    """The average of the server part goes to each edge once; each user's copy of it comes back."""
    user_adapters = ROUNDS * USERS * cut * BLOCK_ADAPTER
    server_adapter = ROUNDS * (BLOCKS - cut) * BLOCK_ADAPTER
    assert traffic(run_small({"name": "splitfed", "cut": cut})) == {
        "uplink": STEPS_IN_ALL * (ACTIVATION + LABELS) + user_adapters,
        "downlink": STEPS_IN_ALL * ACTIVATION + user_adapters,
        "backhaul": 2 * user_adapters + (EDGES + USERS) * server_adapter,
    }


def test_three_parts_send_activations_over_both_hops(run_small: Runner) -> None:
    user, edge = ROUNDS * USERS * 1 * BLOCK_ADAPTER, ROUNDS * 2 * BLOCK_ADAPTER
    assert traffic(run_small({"name": "splitfed", "cut": [1, 3]})) == {
        "uplink": STEPS_IN_ALL * (ACTIVATION + LABELS) + user,
        "downlink": STEPS_IN_ALL * ACTIVATION + user,
        "backhaul": STEPS_IN_ALL * (2 * ACTIVATION + LABELS) + 2 * user + (EDGES + USERS) * edge,
    }


def test_centralised_training_sends_nothing(run_small: Runner) -> None:
    assert traffic(run_small({"name": "centralised"})) == {"uplink": 0, "downlink": 0, "backhaul": 0}


def test_split_learning_hands_the_user_part_from_user_to_user(run_small: Runner) -> None:
    """The first user of the first round hears from the cloud; every later turn takes the part from the user before."""
    handed = (ROUNDS * USERS - 1) * BLOCK_ADAPTER
    run = run_small({"name": "split_learning", "cut": 1, "main_server": "cloud"})
    assert traffic(run)["uplink"] == STEPS_IN_ALL * (ACTIVATION + LABELS) + handed
    assert traffic(run)["downlink"] == STEPS_IN_ALL * ACTIVATION + handed + BLOCK_ADAPTER


def test_users_in_turn_take_longer_than_users_at_once(run_small: Runner) -> None:
    in_turn, at_once = (run_small({"name": name, "cut": 1}) for name in ("split_learning", "splitfed"))
    assert in_turn.world.clock.now_s > at_once.world.clock.now_s


def test_users_twice_as_fast_halve_their_computing_time(run_small: Runner) -> None:
    def computing_s(speed: str) -> float:
        run = run_small({"name": "federated"}, users={"count": USERS, "compute": {"speed": speed}})
        events = tables.events_frame(run)
        return float(events[events["kind"] == "user_compute"].eval("end_s - start_s").sum())

    nanosecond_each = 1e-9 * STEPS_IN_ALL
    assert computing_s("2 GFLOP/s") == pytest.approx(computing_s("1 GFLOP/s") / 2, abs=nanosecond_each)


def test_the_user_holds_less_of_a_split_model_than_of_a_whole_one(run_small: Runner) -> None:
    def peaks(scheme: dict[str, Any]) -> dict[str, int]:
        frame = tables.memory_frame(run_small(scheme))
        return dict(frame[frame["node"] == "user0"].set_index("kind")["peak_bytes"])

    split, whole = peaks({"name": "splitfed", "cut": 1}), peaks({"name": "federated"})
    assert all(split[kind] < whole[kind] for kind in ("weights", "adapter", "optimiser", "activations", "total"))
    assert split["adapter"] == BLOCK_ADAPTER
    assert whole["adapter"] == BLOCKS * BLOCK_ADAPTER == whole["gradient"] == whole["optimiser"] // 2


def test_schemes_of_one_scenario_see_the_same_users_channels_and_batches(run_small: Runner) -> None:
    one, other = run_small({"name": "federated"}).world, run_small({"name": "splitfed", "cut": 1}).world
    for ours, theirs in zip(one.users, other.users, strict=True):
        assert ours.processor == theirs.processor
        assert [one.batch_rows(ours, i) for i in range(5)] == [other.batch_rows(theirs, i) for i in range(5)]
    for ours_cell, theirs_cell in zip(one.network.uplinks, other.network.uplinks, strict=True):
        ours_links, theirs_links = ours_cell.air.links, theirs_cell.air.links
        assert (ours_links.mean_gain == theirs_links.mean_gain).all()
        assert ours_links.fading == theirs_links.fading


def test_servers_exchange_adapters_beside_their_users(run_small: Runner) -> None:
    """Averages to servers and to users share the wire one after another, and are under way at the same time."""
    activities = run_small({"name": "splitfed", "cut": 1}).world.recorder.activities
    beside = [a for a in activities if a.user == NOBODY and a.kind == "backhaul"]
    assert {a.node for a in beside} >= {"cloud", "edge0", "edge1"}
    downloads = [a for a in activities if a.user >= 0 and a.node == "cloud" and a.kind == "backhaul" and a.round == 1]
    assert min(a.start_ns for a in beside) == 0
    assert min(a.start_ns for a in downloads) < min(a.end_ns for a in beside if a.act == "propagating")


def test_a_middle_part_holds_what_it_received_until_its_backward(run_small: Runner) -> None:
    """One user: at the edge the activation waits in its buffer beside the gradient that comes back for it."""
    one = {"count": 1, "compute": {"speed": "1 GFLOP/s"}}
    frame = tables.memory_frame(run_small({"name": "splitfed", "cut": [1, 3]}, users=one))
    buffers = frame[(frame["node"] == "edge0") & (frame["kind"] == "buffers")]["peak_bytes"].item()
    assert buffers >= 2 * ACTIVATION


def test_the_cloud_holds_the_averages(run_small: Runner) -> None:
    frame = tables.memory_frame(run_small({"name": "federated"}))
    cloud = frame[frame["node"] == "cloud"].set_index("kind")["peak_bytes"]
    assert cloud["adapter"] == BLOCKS * BLOCK_ADAPTER
    assert cloud["buffers"] == USERS * BLOCKS * BLOCK_ADAPTER


@pytest.mark.parametrize(
    ("scheme", "learners"),
    [({"name": "splitfed"}, USERS), ({"name": "splitllm", "cut": [1, 3]}, EDGES), ({"name": "centralised"}, USERS)],
)
def test_rounds_know_how_many_samples_have_been_learned_from(
    scheme: dict[str, Any], learners: int, run_small: Runner
) -> None:
    samples = [row["samples"] for row in run_small(scheme).observer.rows]
    assert samples == [number * STEPS * learners * BATCH for number in range(ROUNDS + 1)]
