"""What was once learned is not learned again: after a rerun, or a change that changes no number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from cosim.recorder import Activity
from cosim.runner import Run

Runner = Callable[..., Run]

CACHED = {"host": {"device": "cpu", "threads": 1, "cache": True}}
FEDERATED: dict[str, Any] = {"name": "federated"}
REPLICATED: dict[str, Any] = {"name": "splitfed", "cut": 1}
SHARED: dict[str, Any] = {"name": "splitfed", "cut": 1, "server": "shared", "main_server": "cloud", "rounds": 1}
PHYSICS: dict[str, dict[str, Any]] = {
    "bandwidth": {"radio": {"bandwidth": "1 MHz"}},
    "distance": {"radio": {"cell_radius": "900 m"}},
    "user speed": {"users": {"count": 3, "compute": {"speed": "7 GFLOP/s", "spread": 0.2, "power": "5 W"}}},
    "transmit power": {
        "users": {"count": 3, "power": "1 mW", "compute": {"speed": "1 GFLOP/s", "spread": 0.5, "power": "5 W"}}
    },
    "servers": {
        "edges": {"count": 2, "compute": {"speed": "900 GFLOP/s", "power": "50 W"}},
        "cloud": {"compute": {"speed": "900 GFLOP/s", "power": "9 W"}},
    },
}
REORDERING = {"users": {"count": 3, "compute": {"speed": "20 MFLOP/s", "spread": 0.9, "power": "5 W"}}}
"""Speeds that differ so much that activations arrive in another order."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def adapter(run: Run) -> torch.Tensor:
    assert run.observer.last is not None
    return torch.cat([state.weights for state in run.runtime.values(run.observer.last.adapters)])


def learnt(run: Run) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in ("round", "train_loss", "loss", "accuracy")) for row in run.observer.rows]


def assert_identical(run: Run, other: Run) -> None:
    assert run.world.recorder.activities == other.world.recorder.activities
    assert run.observer.rows == other.observer.rows
    assert torch.equal(adapter(run), adapter(other))


def test_a_second_run_runs_no_job_and_is_identical(scheme: dict[str, Any], run_small: Runner) -> None:
    first, second = run_small(scheme, **CACHED), run_small(scheme, **CACHED)
    assert (first.runtime.jobs_run > 0, second.runtime.jobs_run) == (True, 0)
    assert second.runtime.jobs_cached > 0
    assert_identical(second, first)


@pytest.mark.parametrize("scheme", [FEDERATED, REPLICATED], ids=["federated", "replicated"])
@pytest.mark.parametrize("change", PHYSICS.values(), ids=PHYSICS)
def test_another_network_trains_nothing(scheme: dict[str, Any], change: dict[str, Any], run_small: Runner) -> None:
    here, there = run_small(scheme, **CACHED), run_small(scheme, **CACHED, **change)
    assert there.runtime.jobs_run == 0
    assert there.world.recorder.activities != here.world.recorder.activities
    assert learnt(there) == learnt(here)
    assert torch.equal(adapter(there), adapter(here))


@pytest.mark.parametrize("other", [{"cut": 3}, {"cut": [1, 3]}, {"main_server": "cloud"}], ids=str)
def test_another_cut_of_replicated_split_fed_trains_nothing(other: dict[str, Any], run_small: Runner) -> None:
    here, there = run_small(REPLICATED, **CACHED), run_small({**REPLICATED, **other}, **CACHED)
    assert there.runtime.jobs_run == 0
    assert learnt(there) == learnt(here)
    assert torch.equal(adapter(there), adapter(here))


def test_federated_learning_after_split_fed_trains_nothing(run_small: Runner) -> None:
    split, federated = run_small(REPLICATED, **CACHED), run_small(FEDERATED, **CACHED)
    assert federated.runtime.jobs_run == 0
    assert learnt(federated) == learnt(split)


def test_a_shared_server_in_another_order_of_arrivals_is_trained_anew(run_small: Runner) -> None:
    here, there = run_small(SHARED, **CACHED), run_small(SHARED, **CACHED, **REORDERING)
    assert steps_at_cloud(there) != steps_at_cloud(here), "another order, or nothing is tested"
    assert there.runtime.jobs_run > 0
    assert_identical(there, run_small(SHARED, **REORDERING))


def steps_at_cloud(run: Run) -> list[tuple[int, int]]:
    def counts(a: Activity) -> bool:
        return a.node == "cloud" and a.user >= 0 and a.flops > 0

    return [(a.user, a.step) for a in run.world.recorder.activities if counts(a)]


def test_of_a_longer_run_only_the_new_rounds_are_trained(scheme: dict[str, Any], run_small: Runner) -> None:
    short = run_small({**scheme, "rounds": 1}, **CACHED)
    resumed, anew = run_small(scheme, **CACHED), run_small(scheme)
    assert_identical(resumed, anew)
    again = resumed.runtime.jobs_run - (anew.runtime.jobs_run - short.runtime.jobs_run)
    late = scheme["name"] == "splitllm"  # who is first paired then has the untrained adapter, drawn and not kept
    assert again in ((0, 1) if late else (0,))


def test_rounds_between_evaluations_are_resumed_from_the_last_one(run_small: Runner) -> None:
    rare = {"evaluation": {"sequences": 8, "every": 2}}
    short = run_small({**FEDERATED, "rounds": 2}, **CACHED, **rare)
    resumed, anew = (run_small({**FEDERATED, "rounds": 5}, **host, **rare) for host in (CACHED, {}))
    assert_identical(resumed, anew)
    assert [row["loss"] is None for row in resumed.observer.rows] == [False, True, False, True, False, False]
    assert resumed.runtime.jobs_run == anew.runtime.jobs_run - short.runtime.jobs_run


@pytest.mark.parametrize("change", [{"training": {"lr": 1e-2}}, {"training": {"weight_decay": 0.1}}], ids=str)
def test_other_hyperparameters_find_but_the_untrained_model(change: dict[str, Any], run_small: Runner) -> None:
    run_small(FEDERATED, **CACHED)
    other = run_small(FEDERATED, **CACHED, **change)
    assert other.runtime.jobs_cached == 1
    assert_identical(other, run_small(FEDERATED, **change))


def test_a_damaged_result_is_computed_again(cache: Path, run_small: Runner) -> None:
    first = run_small(FEDERATED, **CACHED)
    for file in sorted(cache.rglob("*.safetensors"))[::2]:
        file.write_bytes(file.read_bytes()[:-7])
    assert_identical(run_small(FEDERATED, **CACHED), first)
