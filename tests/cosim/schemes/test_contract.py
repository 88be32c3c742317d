"""What every scheme owes its users, whatever it does: every second named, every byte real, the same run twice."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import simpy

from cosim import results, tables
from cosim.memory import MEMORY_KINDS
from cosim.nodes import Node
from cosim.recorder import EVERYBODY
from cosim.runner import Run
from tests.cosim.schemes.conftest import require_one_name_for_every_nanosecond
from training.jobs import Job

Runner = Callable[..., Run]

ROUNDING_S = 1e-9
"""Sums of a few hundred doubles of a few seconds, against one nanosecond, the clock's own step."""


@pytest.fixture(scope="module")
def run(scheme: dict[str, Any], run_small: Runner) -> Run:
    return run_small(scheme)


@pytest.fixture(scope="module")
def events(run: Run) -> pd.DataFrame:
    return tables.events_frame(run)


def test_every_nanosecond_of_every_user_has_exactly_one_name(run: Run) -> None:
    require_one_name_for_every_nanosecond(run)


def test_the_named_delays_of_a_round_add_up_to_what_the_round_took(run: Run, events: pd.DataFrame) -> None:
    took = np.diff([row["sim_time_s"] for row in run.observer.rows])
    for user in run.world.users:
        mine = events[events["user"].isin([user.index, EVERYBODY])]
        by_round = (mine["end_s"] - mine["start_s"]).groupby(mine["round"]).sum()
        assert by_round.to_numpy() == pytest.approx(took, abs=ROUNDING_S)


def test_the_summary_agrees_with_the_record(run: Run, events: pd.DataFrame) -> None:
    summary = results.summarise(run, events, tables.memory_frame(run))
    assert sum(summary["delay_s"].values()) == pytest.approx(summary["sim_time_s"], abs=ROUNDING_S)
    assert sum(summary["traffic_bytes"].values()) == events["bytes"].sum() == sum(summary["payload_bytes"].values())
    last = run.observer.rows[-1]
    assert [last[f"{kind}_bytes"] for kind in ("uplink", "downlink", "backhaul")] == list(
        summary["traffic_bytes"].values()
    )
    assert [last[f"{role}_energy_j"] for role in ("user", "edge", "cloud")] == pytest.approx(
        list(summary["energy_j"].values())
    )


def test_the_same_scenario_twice_gives_the_same_results(scheme: dict[str, Any], run: Run, run_small: Runner) -> None:
    again = run_small(scheme)
    assert again.world.recorder.activities == run.world.recorder.activities
    assert again.observer.rows == run.observer.rows


def test_analytic_execution_gives_the_same_record_without_values(
    scheme: dict[str, Any], run: Run, run_small: Runner
) -> None:
    analytic = run_small(scheme, execution="analytic")
    assert analytic.world.recorder.activities == run.world.recorder.activities
    assert tables.memory_frame(analytic).equals(tables.memory_frame(run))
    assert analytic.runtime.jobs_run == 0
    assert all(row["perplexity"] is None for row in analytic.observer.rows)


def test_another_seed_gives_another_run(scheme: dict[str, Any], run: Run, run_small: Runner) -> None:
    other = run_small(scheme, seed=1)
    assert other.observer.rows[-1]["perplexity"] != run.observer.rows[-1]["perplexity"]


def test_nothing_is_left_in_memory_but_weights_and_training_state(run: Run) -> None:
    for node in run.world.nodes:
        left = node.memory.left()
        assert {kind for kind in MEMORY_KINDS if left[kind]} <= {"weights", "adapter", "gradient", "optimiser"}


def test_training_lowers_perplexity(scheme: dict[str, Any], run_small: Runner) -> None:
    rows = run_small({**scheme, "rounds": 4, "local_steps": 4}, training={"lr": 1e-2}).observer.rows
    assert rows[-1]["perplexity"] < rows[0]["perplexity"]


def test_littles_law_holds_at_every_processor(
    scheme: dict[str, Any], run_small: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L = lambda W: the number present, counted at arrivals and departures, against the stays that the record tells."""
    present: dict[str, list[tuple[int, int]]] = defaultdict(list)
    compute = Node.compute

    def counted(node: Node, job: Job) -> simpy.Event:
        done = compute(node, job)
        if job.cost.flops:
            present[node.name].append((node.services.clock.now_ns, 1))
            done.callbacks.append(lambda _: present[node.name].append((node.services.clock.now_ns, -1)))
        return done

    monkeypatch.setattr(Node, "compute", counted)
    run = run_small(scheme)
    for node, changes in present.items():
        instants, steps = np.array(changes).T
        assert (np.diff(instants) >= 0).all(), "counted as it happened"
        number_ns = (np.cumsum(steps)[:-1] * np.diff(instants)).sum()
        stays_ns = sum(
            a.end_ns - a.start_ns
            for a in run.world.recorder.activities
            if a.node == node and (a.act == "computing" or a.reason == f"{node} busy")
        )
        assert steps.sum() == 0
        assert number_ns == stays_ns
