"""What schemes owe their users holds too when these walk, come and go, lose their links, and come late."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from cosim import tables
from cosim.memory import MEMORY_KINDS
from cosim.recorder import HAPPENINGS
from cosim.runner import Run
from tests.cosim.schemes.conftest import require_no_more_memory_than_needed, require_one_name_for_every_nanosecond

Runner = Callable[..., Run]

WALK = {"name": "random_waypoint", "least_speed": "300 m/s", "greatest_speed": "400 m/s"}
RADIO = {
    "bandwidth": "200 kHz",
    "cell_radius": "100 m",
    "layout": {"name": "line", "site_distance": "150 m"},
    "mobility": WALK,
    "handover": {"hysteresis": "1 dB", "time_to_trigger": "20 ms", "interval": "10 ms", "interruption": "7 ms"},
    "outages": {"name": "on_off", "mean_on": "90 ms", "mean_off": "30 ms"},
}
USERS = {
    "count": 3,
    "compute": {"speed": "1 GFLOP/s", "spread": 0.5, "power": "5 W"},
    "availability": {"name": "on_off", "mean_on": "150 ms", "mean_off": "40 ms"},
}
RESTLESS: dict[str, Any] = {"users": USERS, "backhaul": {"rate": "50 Mbit/s", "sharing": "shared"}}
DEADLINE = {"deadline": "140 ms"}
PRELOADED = {"distribution": False}
"""A segment needs seconds without an outage: where a transfer restarts after each, it would never arrive."""
STORIES: dict[str, dict[str, Any]] = {
    "splitfed in three parts": {"name": "splitfed", "cut": [1, 3]},
    "split_learning": {"name": "split_learning", "cut": 1},
    "splitllm": {"name": "splitllm", "cut": [1, 3], **PRELOADED},
    "splitllm by attachment": {
        "name": "splitllm", "cut": [1, 3], "pairing": "attachment", "cloud_update": "mean", **PRELOADED,
    },
    "federated with a deadline": {"name": "federated", **DEADLINE},
    "splitfed with a deadline": {"name": "splitfed", "cut": [1, 3], **DEADLINE},
    "splitfed shared with a deadline": {"name": "splitfed", "cut": 1, "server": "shared", **DEADLINE},
}  # fmt: skip


@pytest.fixture(scope="module", params=["resumes", "restarts"])
def radio(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"radio": {**RADIO, "interrupted": request.param}}


@pytest.fixture(scope="module", params=STORIES)
def story(request: pytest.FixtureRequest) -> dict[str, Any]:
    return STORIES[request.param]


@pytest.fixture(scope="module")
def run(story: dict[str, Any], radio: dict[str, Any], run_small: Runner) -> Run:
    return run_small(story, **RESTLESS, **radio)


def test_every_nanosecond_of_every_user_has_exactly_one_name(run: Run) -> None:
    require_one_name_for_every_nanosecond(run)


def test_no_node_ever_holds_more_than_it_was_found_to_need(run: Run) -> None:
    require_no_more_memory_than_needed(run)


def test_eager_execution_gives_the_same_record(
    story: dict[str, Any], radio: dict[str, Any], run: Run, run_small: Runner
) -> None:
    eager = run_small(story, execution="eager", **RESTLESS, **radio)
    assert eager.world.recorder.activities == run.world.recorder.activities
    assert tables.memory_frame(eager).equals(tables.memory_frame(run))
    assert eager.observer.rows[-1]["loss"] == pytest.approx(run.observer.rows[-1]["loss"], abs=1e-5)


def test_nothing_is_left_in_memory_but_weights_and_training_state(run: Run) -> None:
    for node in run.world.nodes:
        left = node.memory.left()
        assert {kind for kind in MEMORY_KINDS if left[kind]} <= {"weights", "adapter", "gradient", "optimiser"}


def test_users_met_with_what_was_to_befall_them(run: Run) -> None:
    """Else the other tests show nothing."""
    activities = run.world.recorder.activities
    expected = {"handover", "outage", "absence", *({"deadline"} if "deadline" in run.scenario.scheme else ())}
    assert {a.kind for a in activities if a.kind in HAPPENINGS} == expected
    assert any(a.reason.startswith("cut off: ") for a in activities)


def test_the_average_is_of_those_who_were_in_time(run_small: Runner) -> None:
    run = run_small({"name": "federated", "rounds": 1, **DEADLINE}, **RESTLESS, radio=RADIO)
    late = {a.node for a in run.world.recorder.activities if a.kind == "deadline"}
    last = run.observer.last
    assert last is not None
    average, *copies = (state.weights for state in run.runtime.values([*last.adapters, *last.states]))
    counted = [(user.samples, copies[user.index]) for user in run.world.users if user.name not in late]
    assert 0 < len(counted) < len(copies)
    expected = sum(samples * copy for samples, copy in counted) / sum(samples for samples, _ in counted)
    torch.testing.assert_close(average, expected)


def test_where_everybody_is_late_the_model_stays_as_it_was(run_small: Runner) -> None:
    rows = run_small({"name": "federated", "deadline": "1 ms"}, **RESTLESS, radio=RADIO).observer.rows
    assert [row["loss"] for row in rows] == [rows[0]["loss"]] * 3
    assert [row["sim_time_s"] for row in rows] == [0.0, 0.001, 0.002]


@pytest.mark.parametrize("name", ["split_learning", "splitfed"])
def test_where_nothing_befalls_anybody_being_watched_changes_no_nanosecond(name: str, run_small: Runner) -> None:
    """Users who are away once a year, links that break as often, and a deadline beyond the end."""
    never = {"name": "on_off", "mean_on": "365 d", "mean_off": "1 s"}
    scheme, analytic = {"name": name, "cut": [1, 3]}, {"execution": "analytic"}
    plain = run_small(scheme, **analytic)
    users = {**USERS, "availability": never}
    late = {} if name == "split_learning" else {"deadline": "1000 s"}
    watched = run_small({**scheme, **late}, users=users, radio={"outages": never}, **analytic)
    assert all(user.link.may_change for user in watched.world.users)
    assert watched.world.recorder.activities == plain.world.recorder.activities


@pytest.mark.parametrize(("name", "moves"), [("split_learning", True), ("splitfed", False)])
def test_only_what_is_handed_on_anyway_follows_users_to_another_edge_server(
    name: str, moves: bool, run_small: Runner
) -> None:
    run = run_small({"name": name, "cut": 1}, **RESTLESS, radio=RADIO, execution="analytic")
    users = run.world.users
    assert any(len(user.link.served) > 1 for user in users)
    assert any(user.edge is not user.link.served[0][1] for user in users) == moves
