"""Several schemes side by side, from the command line to the pictures."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cosim import comparison
from cosim.scenario import Scenario, write_scenario

LABELS = ["splitfed", "federated"]


@pytest.fixture(scope="module")
def scenario(small_scenario: Callable[..., Scenario]) -> Scenario:
    return small_scenario({"name": "splitfed", "cut": 1}, compare=[{"name": "federated"}])


def test_workers_change_nothing(scenario: Scenario, tmp_path: Path) -> None:
    heard: list[tuple[str, int]] = []
    for workers in (1, 2):
        comparison.compare(
            scenario, tmp_path / str(workers), workers, lambda label, row: heard.append((label, row["round"]))
        )
    for label in LABELS:
        for file in ("rounds.parquet", "events.parquet", "adapter/adapter_model.safetensors"):
            assert (tmp_path / "1" / label / file).read_bytes() == (tmp_path / "2" / label / file).read_bytes()
        assert heard.count((label, 2)) == 2


def test_the_command_prints_a_table_and_draws_pictures(scenario: Scenario, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(write_scenario(scenario))
    done = subprocess.run(
        [sys.executable, "-m", "cosim", "compare", "small.yaml", "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("splitfed", "federated", "Perplexity", "Simulated time", "runs/small"))
    folder = tmp_path / "runs" / "small"
    assert {path.name for path in folder.iterdir()} == {
        *LABELS,
        *(f"{name}.{kind}" for name in ("comparison", "delay", "perplexity") for kind in ("csv", "png")),
    }
    drawn = pd.read_csv(folder / "perplexity.csv")
    rounds = pd.read_parquet(folder / "federated" / "rounds.parquet")
    assert drawn.loc[drawn["label"] == "federated", "perplexity"].tolist() == pytest.approx(
        rounds["perplexity"].tolist()
    )
