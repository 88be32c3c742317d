"""Runs that are there, compared from the command line; and what is refused before any run begins."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cosim import results, runner
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart.yaml"
SMALL = ["execution=analytic", "users.count=2", "scheme.rounds=1", "scheme.local_steps=1"]

Ended = tuple[int, str, str]  # exit status, standard output, standard error


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two schemes, three seeds."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in range(3):
        scenario = load_scenario(QUICKSTART, [*SMALL, f"seed={seed}", "compare=[{name: federated}]"])
        for entry in entries(scenario):
            results.write(runner.run(scenario, entry), folder / entry.label / f"seed-{seed}")
    return folder


def test_runs_that_are_there_are_compared_without_running_anything(
    cosim: Callable[..., Ended], runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    before = sorted(runs.rglob("*"))
    status, out, err = cosim("table", runs, "--baseline", "splitfed", "--out", tmp_path / "tables")
    assert (status, err) == (0, "")
    text = " ".join(out.split())
    assert "Means over 3 seeds" in text
    assert "Speed-up: simulated time of splitfed over the own" in text
    assert "the difference from splitfed" in text
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == ["paired.csv", "table.csv", "table.tex"]
    assert sorted(runs.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--baseline", "centralised"], "baseline 'centralised': no such run; known are federated, splitfed"),
        (["--target", "loss=3"], "--target 'loss=3': expected perplexity=NUMBER or accuracy=NUMBER"),
        (["--target", "accuracy=0.4"], "target accuracy ≥ 0.4: no run recorded accuracy"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    cosim: Callable[..., Ended], runs: Path, arguments: list[str], says: str
) -> None:
    status, out, err = cosim("table", runs, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(says)
    assert err.count("\n") == 1


def test_a_folder_without_runs_is_one_line_and_status_2(cosim: Callable[..., Ended], tmp_path: Path) -> None:
    status, _, err = cosim("table", tmp_path / "none")
    assert (status, err) == (2, f"{tmp_path / 'none'}: no such folder\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--seeds", "0:0"], "--seeds 0:0: no seed is in this range"),
        (["--seeds", "0:2", "--seed", "1"], "--seed 1 --seeds 0:2: expected one of them"),
        (["--baseline", "fed"], "--baseline fed: not one of splitfed, federated, split_learning, centralised"),
        (["--target", "loss=3"], "--target 'loss=3': expected"),
        (["--target", "accuracy=0.4", "--execution", "analytic"], "--target accuracy=0.4: an analytic run learns"),
    ],
)
def test_what_a_comparison_cannot_do_is_refused_before_it_begins(
    cosim: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    def no_run(*_: object) -> None:
        raise AssertionError("the run has begun")

    monkeypatch.setattr("cosim.comparison.compare", no_run)
    status, out, err = cosim("compare", QUICKSTART, "--out", tmp_path, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(says)
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
