"""Every tracker hears of every round; none can end a run."""

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cosim import registry, runner
from cosim.runner import Run
from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.entries import entries
from cosim.tracking import tracker
from cosim.tracking.tracker import Tracker, trackers

Make = Callable[..., Scenario]
ROUNDS = 3


class Listening(Tracker):
    """Notes what it is told, and fails when asked to."""

    heard: list[Any] = []  # noqa: RUF012 - the tracker is made by its name, so the test finds it here
    fails_in = -1

    def begin(self, name: str, settings: Mapping[str, str]) -> None:
        self.heard.append((name, settings["scheme.rounds"]))

    def log(self, number: int, sim_time_s: float, values: Mapping[str, float]) -> None:
        if number == self.fails_in:
            raise ConnectionError("the line is dead")
        self.heard.append((number, sim_time_s, values["loss"]))

    def close(self) -> None:
        self.heard.append("closed")


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> type[Listening]:
    monkeypatch.setitem(registry.FAMILIES["trackers"], "listening", f"{__name__}:Listening")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Listening.__module__])
    monkeypatch.setattr(Listening, "heard", [])
    return Listening


def tracked(make: Make, name: str, folder: Path, **sections: Any) -> Run:
    host = {"device": "cpu", "threads": 1, "cache": False, "tracking": [name]}
    scenario = make({"name": "federated", "rounds": ROUNDS, "label": "ours"}, host=host, **sections)
    return runner.run(scenario, entries(scenario)[0], trackers(scenario, folder))


def test_a_tracker_hears_the_start_each_round_and_the_end(
    small_scenario: Make, listening: type[Listening], tmp_path: Path
) -> None:
    run = tracked(small_scenario, "listening", tmp_path)
    rounds = [(row["round"], row["sim_time_s"], row["loss"]) for row in run.observer.rows]
    assert listening.heard == [("small/ours/seed 0", str(ROUNDS)), *rounds, "closed"]


def test_a_tracker_that_fails_is_left_out_and_the_run_goes_on(
    small_scenario: Make, listening: type[Listening], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "fails_in", 1)
    with pytest.warns(UserWarning, match="listening failed, and is left out: the line is dead"):
        run = tracked(small_scenario, "listening", tmp_path)
    assert run.finished
    assert len(listening.heard) == 2  # the start, and round 0


def test_a_tracker_that_cannot_start_ends_the_run_before_it_begins(
    small_scenario: Make, listening: type[Listening], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "begin", lambda *_: 1 / 0)
    with pytest.raises(ScenarioError, match=r"host\.tracking: listening could not start: division by zero"):
        tracked(small_scenario, "listening", tmp_path)


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_tracker_without_its_package_says_what_to_install(
    small_scenario: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ScenarioError, match=f"host.tracking.0 = '{name}': needs the Python package {name}"):
        tracked(small_scenario, name, tmp_path)


def test_an_unknown_tracker_is_refused_with_the_known_ones(small_scenario: Make) -> None:
    with pytest.raises(ValueError, match="not one of tensorboard, mlflow, wandb"):
        small_scenario({"name": "federated"}, host={"tracking": ["abacus"]})


def test_tensorboard_shows_each_number_over_rounds_and_simulated_time(small_scenario: Make, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):  # the second replaces the first
        run = tracked(small_scenario, "tensorboard", tmp_path)
    written = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    for name in ("loss", "perplexity", "uplink_bytes"):
        shown = [(event.step, event.wall_time, event.value) for event in written.Scalars(name)]
        told = [(row["round"], row["sim_time_s"], row[name]) for row in run.observer.rows]
        assert shown == [pytest.approx(each, rel=1e-6) for each in told]  # kept as float32


@pytest.mark.skipif(find_spec("mlflow") is None, reason="MLflow is not installed")
def test_mlflow_has_each_number_of_each_round(
    small_scenario: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlflow").as_uri())
    run = tracked(small_scenario, "mlflow", tmp_path)
    client = mlflow.MlflowClient()
    (kept,) = mlflow.search_runs(experiment_names=["cosim"], output_format="list")
    assert kept.info.run_name == "small/ours/seed 0"
    assert kept.data.params["scheme.rounds"] == str(ROUNDS)
    losses = {metric.step: metric.value for metric in client.get_metric_history(kept.info.run_id, "loss")}
    assert losses == {row["round"]: pytest.approx(row["loss"]) for row in run.observer.rows}


@pytest.mark.skipif(find_spec("wandb") is None, reason="Weights & Biases is not installed")
def test_weights_and_biases_keeps_the_run_offline(
    small_scenario: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    tracked(small_scenario, "wandb", tmp_path)
    assert list((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))


def test_settings_are_those_of_the_run_alone(small_scenario: Make) -> None:
    scenario = small_scenario({"name": "federated", "rounds": 1})
    found = tracker.settings(runner.run(scenario, entries(scenario)[0]))
    assert found["scheme.name"] == "federated"
    assert found["radio.bandwidth"].endswith("Hz")
    assert not [key for key in found if key.startswith(("host", "compare"))]
