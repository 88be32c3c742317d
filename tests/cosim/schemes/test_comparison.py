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
    assert {path.name for path in folder.iterdir()} == {*LABELS, *pictures, "table.csv"}
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
