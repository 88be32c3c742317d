"""Whatever goes wrong in the world, every scheme ends, with every second, byte and sample accounted for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cosim import results, tables
from cosim.recorder import NOBODY
from cosim.runner import Run
from cosim.scenario import ScenarioError
from tests.cosim.schemes.conftest import require_one_name_for_every_nanosecond

Runner = Callable[..., Run]

ROUNDING_S = 1e-9
"""Sums of a few hundred doubles of a few seconds, against one nanosecond, the clock's own step."""

USERS = {"count": 3, "compute": {"speed": "1 GFLOP/s", "spread": 0.5, "power": "5 W"}}
DROPPING = {"dropouts": {"name": "on_off", "mean_on": "120 ms", "mean_off": "30 ms"}}
DELAYING: dict[str, Any] = {
    "stragglers": {"steady": {"name": "on_off", "mean_on": "20 ms", "mean_off": "20 ms"}, "factor": 3.0},
    "cloud_pauses": {"name": "on_off", "mean_on": "20 ms", "mean_off": "10 ms"},
    "losses": {"probability": 0.2, "timeout": "4 ms"},
    "corruption": {"probability": 0.1, "packet": "500 B"},
}


def on_off(draw: np.random.Generator, on_s: tuple[float, float], off_s: tuple[float, float]) -> dict[str, Any]:
    """Means between these bounds, evenly in their logarithms."""
    means = [float(np.exp(draw.uniform(*np.log(bounds)))) for bounds in (on_s, off_s)]
    return {"name": "on_off", "mean_on": f"{means[0]} s", "mean_off": f"{means[1]} s"}


def schedule(number: int) -> dict[str, Any]:
    """A random world: each fault or none, often or rarely; a round without faults takes about 50 ms."""
    draw = np.random.default_rng(number)
    steady = on_off(draw, (0.02, 1.0), (0.01, 0.2))
    faults: dict[str, Any] = {
        "dropouts": on_off(draw, (0.1, 1.0), (0.01, 0.3)),
        "stragglers": {"steady": steady, "factor": float(draw.uniform(1.1, 20.0))},
        "edge_crashes": on_off(draw, (0.1, 1.0), (0.01, 0.1)),
        "cloud_pauses": on_off(draw, (0.05, 1.0), (0.01, 0.1)),
        "losses": {
            "probability": float(draw.uniform(0.0, 0.4)),
            "timeout": f"{draw.uniform(1, 50)} ms",
            "attempts": None if draw.uniform() < 0.5 else int(draw.integers(1, 5)),
        },
        "corruption": {"probability": float(draw.uniform(0.0, 0.5)), "packet": f"{draw.integers(100, 2000)} B"},
    }
    sections: dict[str, Any] = {
        "seed": number,
        "faults": {kind: fault for kind, fault in faults.items() if draw.uniform() < 0.5},
        "radio": {"interrupted": "resumes" if draw.uniform() < 0.7 else "restarts"},
        "users": dict(USERS),
    }
    if draw.uniform() < 0.3:
        sections["radio"]["outages"] = on_off(draw, (0.05, 1.0), (0.01, 0.1))
    if draw.uniform() < 0.3:
        sections["users"]["availability"] = on_off(draw, (0.05, 1.0), (0.01, 0.1))
    return sections


def every_fault(number: int, every_scheme: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A scheme and a world for it; where segments of a model are sent in the beginning, they are there."""
    scheme = every_scheme[number % len(every_scheme)]
    sections = schedule(number)
    if scheme["name"] == "splitllm":
        scheme = {**scheme, "distribution": False}
    return scheme, sections


def require_order(run: Run) -> None:
    """Every nanosecond of every user has one name; seconds and bytes add up; reports are of users that trained."""
    events = tables.events_frame(run)
    assert run.finished
    require_one_name_for_every_nanosecond(run)
    summary = results.summarise(run, events, tables.memory_frame(run))
    assert sum(summary["delay_s"].values()) == pytest.approx(summary["sim_time_s"], abs=ROUNDING_S)
    assert sum(summary["traffic_bytes"].values()) == events["bytes"].sum() == sum(summary["payload_bytes"].values())
    samples = [row["samples"] for row in run.observer.rows]
    assert (np.diff(samples) >= 0).all()
    assert all(count % run.world.batch_size == 0 for count in samples)
    for row in run.observer.rows:
        assert row["reports"] <= len(run.world.users) or "aggregation" in run.scenario.scheme
    needs = run.scheme.needs.of(run.scheme.load())
    for node in run.world.nodes:
        assert node.memory.peaks()["total"] <= needs.get(node, 0), node.name


def tried(run_small: Runner, every_scheme: list[dict[str, Any]], number: int, execution: str) -> Run | None:
    """The run of a random schedule; None where it says in one line what can never arrive."""
    scheme, sections = every_fault(number, every_scheme)
    try:
        return run_small(scheme, execution=execution, **sections)
    except ScenarioError as error:
        assert "cut off each time" in str(error)
        assert "\n" not in str(error)
        return None


def require_replay(run_small: Runner, every_scheme: list[dict[str, Any]], number: int) -> None:
    run = tried(run_small, every_scheme, number, "analytic")
    if run is None:
        return
    require_order(run)
    again = tried(run_small, every_scheme, number, "analytic")
    assert again is not None
    assert again.world.recorder.activities == run.world.recorder.activities
    assert again.observer.rows == run.observer.rows


@pytest.mark.parametrize("number", [0, 4, 6, 10, 13, 16, 18, 20, 26, 36, 38, 41])
def test_a_random_schedule_ends_in_order_and_the_same_twice(
    number: int, run_small: Runner, every_scheme: list[dict[str, Any]]
) -> None:
    require_replay(run_small, every_scheme, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(100, 300))
def test_two_hundred_random_schedules_end_in_order_and_the_same_twice(
    number: int, run_small: Runner, every_scheme: list[dict[str, Any]]
) -> None:
    require_replay(run_small, every_scheme, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(300, 340, 2))
def test_what_is_learned_under_random_schedules_is_finite(
    number: int, run_small: Runner, every_scheme: list[dict[str, Any]]
) -> None:
    run = tried(run_small, every_scheme, number, "deferred")
    if run is None:
        return
    require_order(run)
    assert run.observer.last is not None
    for state in run.runtime.values(run.observer.last.adapters):
        assert torch.isfinite(state.weights).all()
    assert all(np.isfinite(row["loss"]) for row in run.observer.rows)


@pytest.mark.parametrize(
    "scheme",
    [{"name": "federated"}, {"name": "splitfed", "cut": [1, 3]}, {"name": "split_learning", "cut": 1}],
    ids=["federated", "splitfed", "split_learning"],
)
def test_what_only_delays_changes_no_number_and_no_byte_but_those_sent_again(
    scheme: dict[str, Any], run_small: Runner
) -> None:
    """Slow devices, a cloud that pauses, messages that are lost and packets that are corrupted."""
    plain, delayed = run_small(scheme, users=USERS), run_small(scheme, users=USERS, faults=DELAYING)
    require_order(delayed)
    for ours, theirs in zip(delayed.observer.rows, plain.observer.rows, strict=True):
        assert (ours["loss"], ours["train_loss"], ours["samples"]) == (
            theirs["loss"], theirs["train_loss"], theirs["samples"],
        )  # fmt: skip
    assert delayed.observer.rows[-1]["sim_time_s"] > plain.observer.rows[-1]["sim_time_s"]
    sent = [
        tables.events_frame(run)[["activation_bytes", "gradient_bytes", "adapter_bytes", "label_bytes"]].sum().tolist()
        for run in (plain, delayed)
    ]
    assert sent[0] == sent[1]
    reasons = {a.reason for a in delayed.world.recorder.activities}
    assert {"slowed down", "message lost"} <= reasons, "else the test shows nothing"
    assert tables.events_frame(delayed)["repeated_bytes"].sum() > 0


def test_the_average_is_of_those_who_did_not_drop_out(run_small: Runner) -> None:
    """By their samples alone, whose weights are together one."""
    run = run_small({"name": "federated", "rounds": 1}, users=USERS, faults=DROPPING, seed=5)
    stopped = {a.node for a in run.world.recorder.activities if a.kind == "drop"}
    off = {a.node for a in run.world.recorder.activities if a.kind == "dropout" and a.start_ns == 0}
    last = run.observer.last
    assert last is not None
    average, *copies = (state.weights for state in run.runtime.values([*last.adapters, *last.states]))
    counted = [(user.samples, copies[user.index]) for user in run.world.users if user.name not in stopped | off]
    assert 0 < len(counted) < len(copies), "else the test shows nothing"
    expected = sum(samples * copy for samples, copy in counted) / sum(samples for samples, _ in counted)
    torch.testing.assert_close(average, expected)
    assert run.observer.rows[-1]["reports"] == len(counted)


@pytest.mark.parametrize("scheme", [{"name": "splitfed", "cut": 1}, {"name": "split_learning", "cut": 1}])
def test_a_crash_costs_the_round_of_those_whose_edge_server_it_was(scheme: dict[str, Any], run_small: Runner) -> None:
    crashes = {"edge_crashes": {"name": "on_off", "mean_on": "150 ms", "mean_off": "10 ms"}}
    run = run_small({**scheme, "rounds": 6}, users=USERS, faults=crashes, execution="analytic")
    require_order(run)
    edge_of = {user.name: user.edge.name for user in run.world.users}
    dropped = [a for a in run.world.recorder.activities if a.kind == "drop"]
    assert dropped
    for drop in dropped:
        assert drop.reason == f"{edge_of[drop.node]} crashed"
        assert any(
            a.kind == "crash" and a.node == edge_of[drop.node] and a.start_ns == drop.start_ns
            for a in run.world.recorder.activities
        )


def recorded(folder: Path, rows: str) -> dict[str, Any]:
    file = folder / "on.csv"
    file.write_text("user,start_s,end_s\n" + rows)
    return {"name": "recorded", "path": str(file)}


def test_devices_that_go_off_at_given_times_do_so(run_small: Runner, tmp_path: Path) -> None:
    on = recorded(tmp_path, "0,0,100\n1,0,0.01\n1,0.5,100\n2,0,100\n")
    run = run_small({"name": "federated"}, users=USERS, faults={"dropouts": on}, execution="analytic")
    (off,) = [a for a in run.world.recorder.activities if a.kind == "dropout"]
    assert (off.node, off.start_ns, off.end_ns, off.user) == ("user1", 10_000_000, 500_000_000, NOBODY)
    (drop,) = [a for a in run.world.recorder.activities if a.kind == "drop"]
    assert (drop.node, drop.start_ns, drop.reason, drop.round) == ("user1", 10_000_000, "device off", 1)
    assert [row["reports"] for row in run.observer.rows[1:]] == [2, 2]


@pytest.mark.parametrize("name", ["federated", "split_learning", "cellm", "splitllm"])
def test_where_all_devices_are_off_for_ever_that_is_said_in_one_line(
    name: str, run_small: Runner, tmp_path: Path
) -> None:
    on = recorded(tmp_path, "0,0,0.005\n")
    scheme = {"name": name, **({"cut": [1, 3]} if name in ("split_learning", "splitllm") else {})}
    with pytest.raises(ScenarioError, match=r"the devices of all users that are to train are off for ever") as told:
        run_small(scheme, users=USERS, faults={"dropouts": on}, execution="analytic")
    assert "\n" not in str(told.value)


def test_where_no_report_can_come_any_more_it_is_said_who_waits_for_what(run_small: Runner, tmp_path: Path) -> None:
    on = recorded(tmp_path, "0,0,0.005\n1,0,0.005\n2,0,0.005\n")
    scheme = {"name": "federated", "aggregation": {"name": "fedbuff", "buffer": 2}}
    with pytest.raises(ScenarioError, match=r"from 0\.005\d* s on .*user0 waits: device off; user1 waits: device off"):
        run_small(scheme, users=USERS, faults={"dropouts": on}, execution="analytic")


def test_a_cloud_that_stands_still_for_ever_is_named_in_one_line(run_small: Runner, tmp_path: Path) -> None:
    pauses = {"cloud_pauses": recorded(tmp_path, "0,0,0.001\n")}
    with pytest.raises(ScenarioError, match=r"cloud stands still for ever from [\d.]+ s on, and work waits for it"):
        run_small({"name": "federated"}, users=USERS, faults=pauses, execution="analytic")


@pytest.mark.parametrize(
    ("scheme", "told"),
    [
        ({"name": "splitllm", "cut": [1, 3]}, r"user\d stopped 500 times before it had its segment"),
        pytest.param(
            {"name": "federated", "aggregation": {"name": "fedasync", "mixing": 0.5}},
            r"users stopped 1500 times",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_users_who_never_come_to_an_end_are_given_up_in_one_line(
    scheme: dict[str, Any], told: str, run_small: Runner
) -> None:
    """Devices are on for 1 ms, and need 20 ms for anything."""
    often = {"dropouts": {"name": "on_off", "mean_on": "1 ms", "mean_off": "1 ms"}}
    with pytest.raises(ScenarioError, match=told) as error:
        run_small(scheme, users=USERS, faults=often, execution="analytic")
    assert "\n" not in str(error.value)


def test_segments_that_never_get_through_are_named_in_one_line(run_small: Runner) -> None:
    """Each needs seconds without an outage, of which there is one every 100 ms: a restart has no hope."""
    radio = {
        "bandwidth": "200 kHz",
        "fading": "none",
        "interrupted": "restarts",
        "outages": {"name": "on_off", "mean_on": "90 ms", "mean_off": "10 ms"},
    }
    with pytest.raises(ScenarioError, match=r"downlink of user\d: \d+ bytes were sent 500 times") as told:
        alone = {"users": {**USERS, "count": 1}, "edges": {"count": 1}}
        run_small({"name": "splitllm", "cut": [1, 3]}, **alone, radio=radio, execution="analytic")
    assert "\n" not in str(told.value)
    assert "radio.interrupted = resumes" in str(told.value)
