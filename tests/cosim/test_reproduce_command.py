"""``cosim reproduce``: from the command to the rows, with runs that are small, or that are not there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cosim.reproduce import fedsllm
from cosim.reproduce.papers.cellm import Cellm
from cosim.reproduce.papers.fedsllm import FedsLLM
from cosim.reproduce.training import PAPERS, LearningCurve, Trained
from cosim.reproduce_command import _experiments
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries

Ended = tuple[int, str, str]
COLUMNS = {"name", "paper", "expected", "ours", "unit", "known", "tolerance", "within", "why"}


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Theory alone, of few drops."""
    monkeypatch.setattr("cosim.reproduce_command._trained", lambda *_, **__: None)
    monkeypatch.setattr("cosim.reproduce.papers.fedsllm.FEW_DROPS", 2)


def test_rows_are_printed_as_json_and_nothing_else(
    cosim: Callable[..., Ended], no_training: None, tmp_path: Path
) -> None:
    status, out, err = cosim("reproduce", "fedsllm", "--quick", "--json", "--out", tmp_path)
    rows = json.loads(out)["rows"]
    assert (status, err) == (0, "")
    assert all(set(row) == COLUMNS for row in rows)
    assert json.loads((tmp_path / "rows.json").read_text())["rows"] == rows
    (stated,) = [row for row in rows if row["paper"] == 47.63]
    assert stated["within"] is True
    assert stated["ours"] == pytest.approx(47.63, abs=5.0)


def test_figures_have_their_numbers_beside_them(cosim: Callable[..., Ended], no_training: None, tmp_path: Path) -> None:
    status, out, _ = cosim("reproduce", "fedsllm", "--quick", "--out", tmp_path)
    assert status == 0
    assert "47.63" in out and f"results in {tmp_path}" in out
    assert (tmp_path / "delay.png").stat().st_size > 10_000
    table = pd.read_csv(tmp_path / "delay.csv")
    assert set(table["quantity"]) == {"maximum power of a user", "bandwidth", "local accuracy eta"}
    assert set(table["scheme"]) == {"optimum", "EB", "FE", "BA", "TDMA"}


def test_an_unknown_system_is_refused(cosim: Callable[..., Ended], tmp_path: Path) -> None:
    status, _, err = cosim("reproduce", "fedslm", "--out", tmp_path)
    assert status == 2
    assert "fedsllm" in err


def test_the_successor_is_fedsllms_and_nobody_elses(cosim: Callable[..., Ended], tmp_path: Path) -> None:
    status, _, err = cosim("reproduce", "splitllm", "--sfllm", "--out", tmp_path)
    assert status == 2
    assert err.strip() == "reproduce splitllm --sfllm: expected fedsllm, whose successor it is"


def test_what_needs_data_is_left_out_and_said_without_them(capsys: pytest.CaptureFixture[str]) -> None:
    found = _experiments(Cellm(), None, quick=False, shown=True)
    assert list(found) == ["natural", "iid"]
    said = capsys.readouterr().err.strip()
    assert said == (
        "left out for want of --data, a folder with banking77/test.csv, banking77/train.csv: banking77, banking77-alike"
    )


def test_data_that_are_not_there_are_named(cosim: Callable[..., Ended], tmp_path: Path) -> None:
    status, _, err = cosim("reproduce", "cellm", "--data", tmp_path, "--out", tmp_path / "out")
    assert status == 2
    assert err.strip() == f"--data {tmp_path}: expected a folder that has banking77/train.csv"


@pytest.mark.parametrize("overrides", [(), FedsLLM.experiments[""].quickly])
def test_the_papers_scenario_has_the_optimum_and_its_baselines(overrides: tuple[str, ...]) -> None:
    scenario = load_scenario(PAPERS / "fedsllm.yaml", list(overrides))
    found = {entry.label: entry.options.allocation for entry in entries(scenario)}
    said = {label: (part.name, (part.model_extra or {}).get("eta")) for label, part in found.items()}
    assert said == {
        "optimum": ("fedsllm", None),
        "EB": ("equal", None),
        "FE": ("fixed_accuracy", fedsllm.PAPER.fixed_eta),
        "BA": ("equal", fedsllm.PAPER.fixed_eta),
        "TDMA": ("tdma", None),
    }


def test_rows_of_training_say_how_much_less_time_the_best_takes() -> None:
    curve = LearningCurve(rounds=[0], samples=[0], loss=[4.0], accuracy=[0.1], seconds=[0.0], air_bytes=[0.0])
    seconds = {"optimum": 3.0, "BA": 4.0}
    trained = Trained(
        target="perplexity <= 60", seconds_to_target=seconds, curves={label: [curve] * 3 for label in seconds}
    )
    rows = FedsLLM().learned(trained, experiment="")
    assert [(row.name, row.ours, row.unit, row.within) for row in rows] == [
        ("optimum", 3.0, "s", None),
        ("BA", 4.0, "s", None),
        ("less for optimum than for BA", 25.0, "%", None),
    ]
    assert rows[0].group == "simulated time to perplexity <= 60, real training, 3 seeds"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("paper", "group"), [("fedsllm", "simulated time to perplexity"), ("splitllm", "perplexity of SplitLLM above")]
)
def test_the_whole_of_it_quickly(cosim: Callable[..., Any], tmp_path: Path, paper: str, group: str) -> None:
    status, out, _ = cosim("reproduce", paper, "--quick", "--json", "--out", tmp_path)
    rows = json.loads(out)["rows"]
    assert status == 0
    assert any(row["name"].startswith(group) for row in rows)
    assert [row["name"] for row in rows if row["within"] is False] == []
    assert (tmp_path / "training" / "comparison.png").is_file()
