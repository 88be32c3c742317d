"""What a run leaves in its folder."""

import errno
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cosim import provenance, results, runner, tables
from cosim.clock import to_ns
from cosim.runner import Run
from cosim.scenario import Scenario, load_scenario
from cosim.scenario.entries import entries
from cosim.tracking.callback import Callback, Telling

Runner = Callable[..., Run]

FILES = {
    "scenario.yaml",
    "provenance.json",
    "summary.json",
    "rounds.parquet",
    "events.parquet",
    "memory.parquet",
    "held.parquet",
    "links.parquet",
    "adapter",
}


UNUSUAL: dict[str, Any] = {
    "seed": 7,
    "payloads": {"adapter": "28.1 kbit"},
    "radio": {
        "bandwidth": "3 MHz",
        "carrier": "2.1 GHz",
        "cell_radius": "120 m",
        "shadowing": "4 dB",
        "fading": "none",
        "coherence_time": "7 ms",
        "user_noise_figure": "8 dB",
        "edge_noise_figure": "3 dB",
    },
    "backhaul": {"rate": "30 Mbit/s", "latency": "2 ms"},
    "training": {"lr": 3e-3, "weight_decay": 0.1},
    "evaluation": {"every": 2, "sequences": 5},
    "figures": ["delay", {"kind": "gantt", "round": 2}],
    "faults": {"corruption": {"probability": 0.1}},
}
"""What the miniature leaves at its defaults, unlike the defaults."""


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


def test_the_resolved_scenario_gives_the_same_run_again(
    small_scenario: Callable[..., Scenario], tmp_path: Path
) -> None:
    scenario = small_scenario({"name": "splitfed", "cut": 1, "server": "shared", "label": "ours"}, **UNUSUAL)
    usual = Scenario(name="usual", scheme={"name": "splitfed"})
    for section in set(Scenario.model_fields) - {"compare", "execution", "sweep"}:
        assert getattr(scenario, section) != getattr(usual, section)
    run = runner.run(scenario, entries(scenario)[0])
    results.write(run, tmp_path)
    read = load_scenario(tmp_path / "scenario.yaml")
    again = runner.run(read, entries(read)[0])
    assert again.world.recorder.activities == run.world.recorder.activities
    assert again.observer.rows == run.observer.rows
    assert tables.memory_frame(again).equals(tables.memory_frame(run))


def test_provenance_names_software_machine_command_and_hashes(folder: Path) -> None:
    found = json.loads((folder / "provenance.json").read_text())
    assert {"torch", "simpy", "cosim", "python"} <= found["versions"].keys()
    assert len(found["corpus"]["sha256"]) == len(found["model"]["sha256"]) == 64
    assert {"git_commit", "seed", "machine", "command"} <= found.keys()


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


def test_what_is_held_over_time_has_the_peaks_of_the_memory_table(folder: Path) -> None:
    held, memory = (pd.read_parquet(folder / f"{name}.parquet") for name in ("held", "memory"))
    assert held["time_s"].is_monotonic_increasing
    for (node, kind), peak in memory.set_index(["node", "kind"])["peak_bytes"].items():
        own = held[(held["node"] == node) & ((held["kind"] == kind) | (kind == "total"))]
        assert max(own["bytes"].cumsum(), default=0) == peak


def test_provenance_has_the_commit_of_the_programs_own_checkout(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(provenance, "_CHECKOUT", tmp_path)
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", *identity, "commit", "--quiet", "--allow-empty", "-m", "first"], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert provenance.provenance(run)["git_commit"] == head.stdout.strip()
    (tmp_path / "site-packages").mkdir()
    monkeypatch.setattr(provenance, "_CHECKOUT", tmp_path / "site-packages")
    assert provenance.provenance(run)["git_commit"] is None  # of the repository that it is installed in


def test_without_git_there_is_no_commit_and_no_error(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(provenance, "_CHECKOUT", tmp_path)
    monkeypatch.setenv("PATH", "")
    assert provenance.provenance(run)["git_commit"] is None


def test_nothing_of_an_earlier_run_stays_in_the_folder(run: Run, run_small: Runner, tmp_path: Path) -> None:
    results.write(run, tmp_path)
    results.write(run_small({"name": "federated"}, execution="analytic"), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"adapter"}


def _fail(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/else")


def test_what_cannot_be_written_leaves_an_earlier_run_as_it_was(
    run: Run, run_small: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results.write(run_small({"name": "federated"}, execution="analytic"), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(results, "_write_adapter", _fail)
    with pytest.raises(OSError, match="No space left on device") as told:
        results.write(run, tmp_path)
    assert told.value.filename == str(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_is_not_whole_has_no_summary(
    run: Run, run_small: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results.write(run_small({"name": "federated"}, execution="analytic"), tmp_path)
    monkeypatch.setattr(Path, "replace", _fail)
    with pytest.raises(OSError, match="No space left on device"):
        results.write(run, tmp_path)
    assert not (tmp_path / "summary.json").exists()


def test_numbers_that_are_not_finite_are_null_and_the_round_is_named(run_small: Runner, tmp_path: Path) -> None:
    diverging = run_small({"name": "federated", "rounds": 3}, training={"lr": 1e30})
    summary = results.write(diverging, tmp_path)
    text = (tmp_path / "summary.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == summary
    assert summary["final"]["loss"] is None
    assert summary["initial"]["loss"] == diverging.observer.rows[0]["loss"]
    assert summary["diverged_in_round"] == summary["rounds"] == 1
    assert summary["divergence"].startswith("diverged in round 1: training loss of user")


def test_an_analytic_run_leaves_no_adapter(run_small: Runner, tmp_path: Path) -> None:
    summary = results.write(run_small({"name": "federated"}, execution="analytic"), tmp_path)
    assert not (tmp_path / "adapter").exists()
    assert summary["final"] == {"loss": None, "perplexity": None, "accuracy": None, "f1": None}
    assert summary["sim_time_s"] > 0


def test_an_interrupted_run_keeps_its_finished_rounds(run_small: Runner, small_scenario: Any, tmp_path: Path) -> None:
    def interrupt(row: dict[str, Any]) -> None:
        if row["round"] == 2:
            raise KeyboardInterrupt

    scenario = small_scenario({"name": "federated", "rounds": 5})
    cut_short = runner.run(scenario, entries(scenario)[0], [Telling(interrupt)])
    summary = results.write(cut_short, tmp_path)
    assert not summary["finished"]
    assert summary["rounds"] == 2
    whole = run_small({"name": "federated", "rounds": 2})
    assert cut_short.observer.rows == whole.observer.rows
    assert sum(summary["delay_s"].values()) == pytest.approx(summary["sim_time_s"], abs=1e-9)


class Interrupted(Callback):
    """Ctrl-C at a simulated instant."""

    def __init__(self, instant_s: float) -> None:
        self.instant_s = instant_s

    def start(self, run: Run) -> None:
        run.world.clock.at(to_ns(self.instant_s), self.interrupt)

    def interrupt(self) -> None:
        raise KeyboardInterrupt


def test_the_summary_has_the_metrics_of_the_last_evaluation(small_scenario: Any, tmp_path: Path) -> None:
    scenario = small_scenario({"name": "federated", "rounds": 5}, evaluation={"every": 2, "sequences": 4})
    whole = runner.run(scenario, entries(scenario)[0])
    after_three_s = whole.observer.rows[3]["sim_time_s"] + 1e-9
    cut_short = runner.run(scenario, entries(scenario)[0], [Interrupted(after_three_s)])
    summary = results.write(cut_short, tmp_path)
    at = {row["round"]: row for row in cut_short.observer.rows}
    assert at[3]["loss"] is None
    assert summary["rounds"] == 3
    assert summary["initial"]["loss"] == at[0]["loss"]
    assert summary["final"] == {name: at[2][name] for name in ("loss", "perplexity", "accuracy", "f1")}


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
