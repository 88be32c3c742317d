"""Learning without rounds, and rounds that end with enough reports."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cosim import tables
from cosim.memory import MEMORY_KINDS
from cosim.nodes import User
from cosim.runner import Run
from cosim.scenario import ScenarioError, load_scenario
from tests.cosim.schemes.conftest import require_no_more_memory_than_needed, require_one_name_for_every_nanosecond

Runner = Callable[..., Run]

SUM_OF_EVALUATIONS = 1e-5
"""Eager runs evaluate in other passes, whose float32 sums differ in their last bits: as test_restless has it."""

FEDBUFF = {"name": "fedbuff", "buffer": 2}
FEDASYNC = {"name": "fedasync", "mixing": 0.6}


@pytest.fixture(scope="module")
def story(timely: dict[str, Any]) -> dict[str, Any]:
    return {"rounds": 5, **timely}


@pytest.fixture(scope="module")
def run(story: dict[str, Any], run_small: Runner) -> Run:
    return run_small(story)


def test_every_nanosecond_of_every_user_has_exactly_one_name(run: Run) -> None:
    require_one_name_for_every_nanosecond(run)


def test_no_node_ever_holds_more_than_it_was_found_to_need(run: Run) -> None:
    require_no_more_memory_than_needed(run)


def test_nothing_is_left_in_memory_but_weights_and_training_state(story: dict[str, Any], run: Run) -> None:
    """And reports that have come too late for the last model, at the server."""
    for node in run.world.nodes:
        left = {kind for kind in MEMORY_KINDS if node.memory.left()[kind]}
        if "aggregation" not in story:
            assert left <= {"weights", "adapter", "gradient", "optimiser"}


def test_eager_execution_gives_the_same_record_and_model(story: dict[str, Any], run: Run, run_small: Runner) -> None:
    eager = run_small(story, execution="eager")
    assert eager.world.recorder.activities == run.world.recorder.activities
    assert tables.memory_frame(eager).equals(tables.memory_frame(run))
    assert eager.observer.rows[-1]["loss"] == pytest.approx(run.observer.rows[-1]["loss"], abs=SUM_OF_EVALUATIONS)


def test_rows_tell_how_many_reports_a_model_was_made_of_and_how_stale_they_were(
    story: dict[str, Any], run: Run
) -> None:
    begun, *rows = run.observer.rows
    assert (begun["reports"], begun["mean_staleness"], begun["max_staleness"]) == (0, None, None)
    expected = story["aggregation"].get("buffer", 1) if "aggregation" in story else story["reports"]
    for row in rows:
        assert row["reports"] == expected
        assert 0 <= row["mean_staleness"] <= row["max_staleness"] < row["round"]
    assert any(row["max_staleness"] for row in rows) == ("aggregation" in story), "else the tests show nothing"


@pytest.mark.slow
def test_it_learns(story: dict[str, Any], run_small: Runner) -> None:
    rows = run_small({**story, "rounds": 8, "local_steps": 4}, training={"lr": 1e-2}).observer.rows
    assert rows[-1]["perplexity"] < rows[0]["perplexity"]


def even_world(folder: Path) -> dict[str, Any]:
    """Three users alike, each in a cell of its own, equally far from its edge server."""
    places = folder / "places.csv"
    places.write_text("time_s,user,x_m,y_m\n" + "".join(f"0,{user},{1000 * user},50\n" for user in range(3)))
    return {
        "users": {"count": 3, "compute": {"speed": "1 GFLOP/s", "spread": 0.0}},
        "edges": {"count": 3, "compute": {"speed": "2 GFLOP/s", "spread": 0.0}},
        "radio": {
            "layout": {"name": "line", "site_distance": "1 km"},
            "mobility": {"name": "recorded", "path": str(places)},
            "pathloss": {"name": "log_distance", "exponent": 3.0},
            "shadowing": "0 dB",
            "fading": "none",
        },
    }


@pytest.mark.parametrize(
    "scheme", [{"name": "federated"}, {"name": "splitfed", "cut": 1}], ids=["federated", "splitfed"]
)
def test_fedbuff_of_all_users_is_fedavg_where_users_are_alike(
    scheme: dict[str, Any], run_small: Runner, tmp_path: Path
) -> None:
    """To the bit, in time and numbers: all report at one instant, nothing is stale, and the same job makes the mean."""
    world = even_world(tmp_path)
    scheme = {"rounds": 3, **scheme}
    fedavg = run_small(scheme, **world)
    fedbuff = run_small({**scheme, "aggregation": {"name": "fedbuff", "buffer": 3}}, **world)
    for ours, theirs in zip(fedbuff.observer.rows, fedavg.observer.rows, strict=True):
        assert {key: (ours[key], theirs[key]) for key in ours if ours[key] != theirs[key]} == {}
    assert fedbuff.observer.last is not None
    assert fedavg.observer.last is not None
    for ours, theirs in zip(fedbuff.observer.last.adapters, fedavg.observer.last.adapters, strict=True):
        assert ours.value is not None
        assert theirs.value is not None
        assert ours.value.key == theirs.value.key


def test_the_model_of_fedasync_is_what_a_loop_by_hand_makes_of_the_reports(
    run_small: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two models: (1 - m) w + m y of the first report, and of the second with m / sqrt(1 + staleness)."""
    from cosim.schemes.asynchronous import AsynchronousScheme

    reports = []
    arrived = AsynchronousScheme.arrived

    def noted(scheme: AsynchronousScheme, user: User, model: int) -> None:
        arrived(scheme, user, model)
        reports.append((scheme._reports[-1].trained[0], model))

    monkeypatch.setattr(AsynchronousScheme, "arrived", noted)
    run = run_small({"name": "federated", "aggregation": FEDASYNC, "rounds": 2})
    start = run.scheme.learning.start(run.scheme.learning.whole, "again")
    assert run.observer.last is not None
    refs = [start, reports[0][0], reports[1][0], *run.observer.last.adapters]
    begun, first, second, last = (state.weights for state in run.runtime.values(refs))
    mixed = 0.4 * begun + 0.6 * first
    part = 0.6 / (1 + 1 - reports[1][1]) ** 0.5
    torch.testing.assert_close(last, (1 - part) * mixed + part * second)


def test_no_more_users_train_at_a_time_than_are_to_and_all_have_their_turn(run_small: Runner) -> None:
    scheme = {"name": "federated", "aggregation": FEDBUFF, "clients": 2, "rounds": 30}
    run = run_small(scheme, execution="analytic")
    activities = run.world.recorder.activities
    idle = [(a.start_ns, a.end_ns) for a in activities if a.reason == "its turn"]
    instants = np.unique([a.start_ns for a in activities if a.start_ns < run.world.clock.now_ns])
    assert all(sum(start <= instant < end for start, end in idle) >= 1 for instant in instants.tolist())
    assert {a.user for a in activities if a.kind == "user_compute"} >= {0, 1, 2}


@pytest.mark.parametrize(
    ("scheme", "told"),
    [
        ({"name": "federated", "clients": 9}, "scheme.clients = 9: there are 8 users"),
        ({"name": "federated", "reports": 9}, "scheme.reports = 9: no more than 8 users"),
        ({"name": "federated", "clients": 3, "reports": 4}, "scheme.reports = 4: no more than 3 users"),
        ({"name": "federated", "aggregation": "fedbuff"}, "scheme.aggregation = 'fedbuff': fedbuff needs buffer"),
        ({"name": "federated", "aggregation": FEDBUFF, "deadline": "1 s"}, "scheme.deadline: with an aggregation"),
        ({"name": "splitfed", "aggregation": FEDBUFF, "server": "shared"}, "scheme.server = 'shared': with an aggreg"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(scheme: dict[str, Any], told: str, tmp_path: Path) -> None:
    import json

    file = tmp_path / "s.yaml"
    file.write_text(json.dumps({"name": "s", "scheme": scheme}))
    with pytest.raises(ScenarioError, match=told) as refusal:
        load_scenario(file)
    assert "\n" not in str(refusal.value)
