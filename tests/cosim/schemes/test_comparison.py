"""Several schemes side by side, from the command line to the pictures."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cosim import results, runner
from cosim.scenario import Scenario, write_scenario
from cosim.scenario.entries import entries

LABELS = ["splitfed", "federated"]


@pytest.fixture(scope="module")
def scenario(small_scenario: Callable[..., Scenario]) -> Scenario:
    return small_scenario({"name": "splitfed", "cut": 1}, compare=[{"name": "federated"}])


@pytest.fixture(scope="module")
def compared(
    scenario: Scenario, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """``cosim compare`` in an empty folder, with two workers."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "small.yaml").write_text(write_scenario(scenario))
    command = [sys.executable, "-m", "cosim", "compare", "small.yaml", "--quiet", "--workers", "2"]
    return folder, subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_command_prints_a_table_and_says_where_the_results_are(
    compared: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = compared
    assert (done.returncode, done.stderr) == (0, "")
    assert all(word in done.stdout for word in (*LABELS, "Perplexity", "Simulated time", "results in runs/small"))


def test_the_folder_holds_a_run_a_scheme_and_pictures_with_their_numbers(
    compared: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder = compared[0] / "runs" / "small"
    pictures = {f"{name}.{kind}" for name in ("comparison", "delay", "learning") for kind in ("csv", "png")}
    assert {path.name for path in folder.iterdir()} == {
        *LABELS,
        *pictures,
        "table.csv",
        "table.tex",
        "paired.csv",
        "order.json",
    }
    drawn = pd.read_csv(folder / "learning.csv").groupby("label")["perplexity"]
    for label in LABELS:
        rounds = pd.read_parquet(folder / label / "rounds.parquet")
        assert drawn.get_group(label).tolist() == pytest.approx(rounds["perplexity"].tolist())


def test_worker_processes_compute_what_this_process_computes(
    scenario: Scenario, compared: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    for entry in entries(scenario):
        results.write(runner.run(scenario, entry), tmp_path / entry.label)
        theirs = compared[0] / "runs" / "small" / entry.label
        for file in ("rounds.parquet", "events.parquet", "memory.parquet", "adapter/adapter_model.safetensors"):
            assert (tmp_path / entry.label / file).read_bytes() == (theirs / file).read_bytes()


def test_several_seeds_are_runs_below_the_label_and_only_these_are_compared(scenario: Scenario, tmp_path: Path) -> None:
    scenario = scenario.model_copy(update={"execution": "analytic"})
    folder = tmp_path / "runs" / "small"
    for entry in entries(scenario):
        earlier = scenario.model_copy(update={"seed": 8})
        results.write(runner.run(earlier, entry), folder / entry.label)
    (tmp_path / "small.yaml").write_text(write_scenario(scenario))
    command = [sys.executable, "-m", "cosim", "compare", "small.yaml", "--quiet", "--seeds", "0:2", "--workers", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Means over 2 seeds" in " ".join(done.stdout.split())
    assert pd.read_csv(folder / "table.csv")["seeds"].tolist() == [2, 2]
    for entry in entries(scenario):
        assert sorted(path.name for path in (folder / entry.label).iterdir()) == ["seed-0", "seed-1", "seed-8"]
        results.write(runner.run(scenario.model_copy(update={"seed": 1}), entry), tmp_path / entry.label)
        events = [place / "events.parquet" for place in (tmp_path / entry.label, folder / entry.label / "seed-1")]
        assert events[0].read_bytes() == events[1].read_bytes()


@pytest.mark.slow
def test_a_comparison_of_which_one_scheme_does_not_fit_is_refused_before_any_has_begun(
    small_scenario: Callable[..., Scenario], tmp_path: Path
) -> None:
    """Users have memory for a block, and not for the whole model."""
    users = {"count": 3, "memory": "600 kB"}
    scenario = small_scenario({"name": "splitfed", "cut": 1}, compare=[{"name": "federated"}], users=users)
    (tmp_path / "small.yaml").write_text(write_scenario(scenario))
    command = [sys.executable, "-m", "cosim", "compare", "small.yaml", "--quiet", "--workers", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("small: federated: user0 needs 1.4")
    assert done.stderr.endswith("MB of memory and has 600 kB (users.memory); 2 more have too little\n")
    assert not list(tmp_path.glob("runs/small/*/summary.json"))
