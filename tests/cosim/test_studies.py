"""The studies as shipped: each says what it varies and draws, and one of them makes its table and its figures."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.figures.kinds import Heatmap, Sweep, read
from cosim.scenario import load_scenario
from cosim.scenario.loading import read_tree
from cosim.sweep.points import points
from cosim.sweep.request import request

STUDIES = sorted((Path(__file__).parents[2] / "scenarios" / "studies").glob("*.yaml"))


def test_there_are_those_that_one_would_start_from() -> None:
    assert {study.stem for study in STUDIES} == {"bandwidth", "users", "edges", "distance", "cut", "rank"}


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.stem)
def test_all_points_of_a_study_can_be_run_and_its_figures_show_what_varies(study: Path, tmp_path: Path) -> None:
    scenario = load_scenario(study)
    asked = request(scenario.sweep, [])
    planned = points(read_tree(study), str(study), asked.settings(0), tmp_path, compare=asked.compare)
    assert len({point.entry.label for point in planned}) == 1 + len(scenario.compare) > 1
    for wish in map(read, scenario.figures or ()):
        assert isinstance(wish, Sweep | Heatmap)
        assert wish.x in asked.varied
    assert f"cosim sweep scenarios/studies/{study.name}" in study.read_text(encoding="utf-8")


def test_a_study_makes_its_table_and_its_figures(cosim: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    study = next(study for study in STUDIES if study.stem == "cut")
    less = ("--vary", "scheme.cut=1,11", "--seeds", "0", "--set", "scheme.rounds=1", "--workers", "1", "--quiet")
    status, _, wrong = cosim("sweep", str(study), *less, "--out", str(tmp_path))
    assert (status, wrong) == (0, "")
    table = pd.read_parquet(tmp_path / "sweep.parquet")
    assert table["label"].tolist() == ["splitfed", "splitfed-cloud", "federated", "splitfed", "splitfed-cloud"]
    assert table["status"].unique().tolist() == ["done"]
    pictures = {picture.stem for picture in tmp_path.glob("*.png")}
    assert pictures == {"sim_time_s-scheme.cut", "user_memory_bytes-scheme.cut"}
    shown = pd.read_csv(tmp_path / "sim_time_s-scheme.cut.csv")
    assert shown.groupby("line")["sim_time_s"].nunique().to_dict() == {
        "federated": 1,
        "splitfed": 2,
        "splitfed-cloud": 2,
    }
