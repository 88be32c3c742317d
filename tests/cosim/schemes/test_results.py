"""What a run leaves in its folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cosim import results
from cosim.runner import Run
from cosim.scenario import load_scenario

Runner = Callable[..., Run]

FILES = {
    "scenario.yaml",
    "provenance.json",
    "summary.json",
    "rounds.parquet",
    "events.parquet",
    "memory.parquet",
    "adapter",
}


@pytest.fixture(scope="module")
def run(run_small: Runner) -> Run:
    return run_small({"name": "splitfed", "cut": 1})


@pytest.fixture(scope="module")
def folder(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("results") / "run"
    results.write(run, target)
    return target


def test_the_folder_holds_what_the_design_says_and_no_scratch(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES
    assert {path.name for path in (folder / "adapter").iterdir()} >= {
        "adapter_config.json",
        "adapter_model.safetensors",
    }


def test_the_resolved_scenario_gives_the_same_run_again(folder: Path, run: Run, run_small: Runner) -> None:
    read = load_scenario(folder / "scenario.yaml")
    again = run_small(read.scheme, **{name: getattr(read, name) for name in ("users", "edges", "cloud", "data")})
    assert again.world.recorder.activities == run.world.recorder.activities
    assert again.observer.rows == run.observer.rows


def test_provenance_names_software_machine_command_and_hashes(folder: Path) -> None:
    provenance = json.loads((folder / "provenance.json").read_text())
    assert {"torch", "simpy", "cosim", "python"} <= provenance["versions"].keys()
    assert len(provenance["corpus"]["sha256"]) == len(provenance["model"]["sha256"]) == 64
    assert {"git_commit", "seed", "machine", "command"} <= provenance.keys()


def test_two_runs_leave_the_same_files(folder: Path, run_small: Runner, tmp_path: Path) -> None:
    """All but wall times, which stand in summary.json alone."""
    results.write(run_small({"name": "splitfed", "cut": 1}), tmp_path)
    for name in ("rounds.parquet", "events.parquet", "memory.parquet", "adapter/adapter_model.safetensors"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    ours, theirs = (json.loads((path / "summary.json").read_text()) for path in (tmp_path, folder))
    assert {**ours, "wall_time_s": 0} == {**theirs, "wall_time_s": 0}
    assert (tmp_path / "scenario.yaml").read_text() == (folder / "scenario.yaml").read_text()


def test_events_hold_every_activity_in_order(folder: Path, run: Run) -> None:
    events = pd.read_parquet(folder / "events.parquet")
    assert len(events) == len(run.world.recorder.activities)
    assert events["start_s"].is_monotonic_increasing
    assert (events["end_s"] >= events["start_s"]).all()


def test_an_analytic_run_leaves_no_adapter(run_small: Runner, tmp_path: Path) -> None:
    summary = results.write(run_small({"name": "federated"}, execution="analytic"), tmp_path)
    assert not (tmp_path / "adapter").exists()
    assert summary["final"] == {"loss": None, "perplexity": None, "accuracy": None}
    assert summary["sim_time_s"] > 0


def test_an_interrupted_run_keeps_its_finished_rounds(run_small: Runner, small_scenario: Any, tmp_path: Path) -> None:
    from cosim import runner
    from cosim.scenario.entries import entries

    def interrupt(row: dict[str, Any]) -> None:
        if row["round"] == 2:
            raise KeyboardInterrupt

    scenario = small_scenario({"name": "federated", "rounds": 5})
    cut_short = runner.run(scenario, entries(scenario)[0], interrupt)
    summary = results.write(cut_short, tmp_path)
    assert not summary["finished"]
    assert summary["rounds"] == 2
    whole = run_small({"name": "federated", "rounds": 2})
    assert cut_short.observer.rows == whole.observer.rows
    assert sum(summary["delay_s"].values()) == pytest.approx(summary["sim_time_s"], abs=1e-9)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "summary.json"
    target.write_text("before")
    with pytest.raises(RuntimeError, match="half way"), results.appearing(target) as path:
        path.write_text("aft")
        raise RuntimeError("half way")
    assert target.read_text() == "before"
    with results.appearing(target) as path:
        path.write_text("after")
    assert target.read_text() == "after"
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
