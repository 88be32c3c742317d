"""From a scenario file to a and v: real pilot runs in the miniature world."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cosim.pilot import pilot, rounds_until
from cosim.runner import run
from cosim.scenario import Scenario, load_scenario, write_scenario
from cosim.scenario.convergence import Convergence
from cosim.scenario.entries import entries

STEPS, SEEDS, ROUNDS = (1, 2, 4), (0, 1), 6
ARGUMENTS = ["calibrate", "small.yaml", "--steps", "4,1,2", "--rounds", str(ROUNDS), "--seeds", "0:2", "--quiet"]

Ended = tuple[int, str, str]  # exit status, standard output, standard error


@pytest.fixture(scope="module")
def folder(small_scenario: Callable[..., Scenario], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a scenario file in it."""
    folder = tmp_path_factory.mktemp("calibrate")
    scenario = small_scenario({"name": "splitfed", "cut": 1}, training={"lr": 2e-2})
    (folder / "small.yaml").write_text(write_scenario(scenario))
    return folder


@pytest.fixture(scope="module")
def done(folder: Path) -> subprocess.CompletedProcess[str]:
    """``cosim calibrate`` with two workers."""
    command = [sys.executable, "-m", "cosim", *ARGUMENTS, "--workers", "2"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def results(folder: Path, done: subprocess.CompletedProcess[str]) -> Path:
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "runs" / "small-calibration"


def losses(results: Path, steps: int, seed: int) -> list[float]:
    rounds = pd.read_parquet(results / f"steps-{steps}" / f"seed-{seed}" / "rounds.parquet")
    return [float(loss) for loss in rounds["loss"]]


def test_the_points_are_the_rounds_that_the_runs_took(results: Path) -> None:
    found = json.loads((results / "calibration.json").read_text())
    assert (found["name"], found["scheme"]) == ("small", "splitfed")
    curves = {(steps, seed): losses(results, steps, seed) for steps in STEPS for seed in SEEDS}
    assert {len(curve) for curve in curves.values()} == {ROUNDS + 1}
    target = max(min(curve) for curve in curves.values())
    assert found["target"] == {"loss": target}
    assert {(point["steps"], point["seed"]): point["rounds"] for point in found["points"]} == {
        run: rounds_until(curve, target) for run, curve in curves.items()
    }


def test_the_file_is_what_a_scenario_may_name(results: Path, folder: Path) -> None:
    file = results / "calibration.json"
    found = json.loads(file.read_text())
    model = Convergence(calibration=str(file)).model()
    assert (model.a, model.v) == (found["a"], found["v"])
    optimised = f"scheme={{name: fedsllm, cut: 1, convergence: {{calibration: {file}}}}}"
    load_scenario(folder / "small.yaml", [optimised])


def test_the_terminal_has_a_line_to_paste(results: Path, done: subprocess.CompletedProcess[str]) -> None:
    found = json.loads((results / "calibration.json").read_text())
    assert f"convergence: {{a: {found['a']:.4g}, v: {found['v']:.4g}}}\n" in done.stdout
    assert all(note in done.stdout for note in found["notes"])
    assert done.stdout.endswith("results in runs/small-calibration\n")


def test_the_figure_has_its_numbers_beside_it(results: Path) -> None:
    assert {path.name for path in results.iterdir()} == {
        *(f"steps-{steps}" for steps in STEPS),
        *(f"calibration.{suffix}" for suffix in ("json", "png", "csv")),
        "order.json",
    }
    drawn = pd.read_csv(results / "calibration.csv")
    assert drawn["rounds_to_target"].count() == len(STEPS) * len(SEEDS)
    assert drawn["loss"].count() == len(STEPS) * (ROUNDS + 1)


@pytest.fixture
def no_more_runs(results: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where whatever is to be run next has left its results."""

    def left(_: Scenario, planned: list[Any], *__: object) -> list[Any]:
        return [json.loads((run.folder / "summary.json").read_text()) for run in planned]

    monkeypatch.setattr("cosim.comparison.compare", left)
    copy = shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.chdir(copy)
    return copy / results.relative_to(folder)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("loss=0.1", "target loss=0.1: not reached by n = 1 local steps, seed 0 ("),
        ("loss=99", "target loss=99: reached before any training by n = 1 local steps, seed 0 ("),
    ],
)
def test_a_target_that_tells_nothing_is_one_line_and_status_2_and_leaves_no_earlier_calibration(
    cosim: Callable[..., Ended], no_more_runs: Path, target: str, says: str
) -> None:
    status, out, err = cosim(*ARGUMENTS, "--target", target)
    assert (status, out) == (2, "")
    assert err.startswith(says)
    assert err.count("\n") == 1
    assert list(no_more_runs.glob("calibration.*")) == []


def test_a_given_target_is_the_one_that_counts(cosim: Callable[..., Ended], no_more_runs: Path) -> None:
    before = losses(no_more_runs, 1, 0)
    target = round(before[0] - 0.5 * (before[0] - before[-1]), 3)
    status, out, _ = cosim(*ARGUMENTS, "--target", f"loss={target}")
    assert status == 0
    assert f"rounds until the loss is {target:.4g}" in " ".join(out.split())
    assert json.loads((no_more_runs / "calibration.json").read_text())["target"] == {"loss": target}


def test_of_runs_that_were_interrupted_nothing_is_concluded(
    cosim: Callable[..., Ended], no_more_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cosim.comparison.compare", lambda _, planned, *__: [None] * len(planned))
    status, out, err = cosim(*ARGUMENTS)
    assert (status, err) == (1, "")
    assert out.startswith("interrupted before 6 of the runs had begun")
    assert list(no_more_runs.glob("calibration.*")) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--steps", "4"], "--steps 4: expected at least two whole numbers"),
        (["--target", "perplexity=40"], "--target perplexity=40: expected loss=NUMBER, such as loss=3.2"),
        (["--target", "loss=low"], "--target loss=low: expected loss=NUMBER"),
        (["--set", "execution=analytic"], "execution = 'analytic': such a run learns nothing"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_before_any_run(
    cosim: Callable[..., Ended], folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(folder)
    status, out, err = cosim(*ARGUMENTS, "--out", "none", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(says)
    assert err.count("\n") == 1
    assert not (folder / "none").exists()


def test_how_the_band_is_dealt_changes_nothing_of_what_is_learned(small_scenario: Callable[..., Scenario]) -> None:
    """FedsLLM with given local steps learns as split-fed learning does, whatever it has of theory."""
    schemes = ({"name": "splitfed"}, {"name": "fedsllm", "allocation": "random", "convergence": {"a": 1.0, "v": 1.0}})
    learned = []
    for scheme in schemes:
        piloted = pilot(small_scenario({**scheme, "cut": 1}), {1: 2, 3: 2})
        runs = [run(piloted, entry) for entry in entries(piloted)]
        learned.append([[row["loss"] for row in each.observer.rows] for each in runs])
    assert learned[0] == learned[1]
    assert [len(losses) for losses in learned[1]] == [3, 3]
