"""The figures that a scenario names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.figures import pictures
from analysis.figures.kinds import Comparison, Curves, Delay, Gantt, Sweep
from analysis.figures.pictures import draw_all, wishes
from analysis.load import load

Make = Callable[..., Path]


def test_the_figures_are_those_of_the_scenario(make_run: Make) -> None:
    named = make_run("named", settings={"figures": ["delay", {"kind": "gantt", "run": None, "round": 2}]})
    assert wishes(load(named)) == [Delay(), Gantt(round=2)]
    assert wishes(load(make_run("none", settings={"figures": []}))) == []
    assert wishes(load(make_run("silent"))) == [Comparison(), Curves(), Delay()]


def test_figures_tell_no_runs_apart(make_run: Make) -> None:
    runs = load(make_run("a", settings={"figures": ["delay"]}), make_run("b", settings={"figures": ["cdf"]}))
    assert runs.varied == ()


def test_pictures_lie_beside_their_numbers(make_run: Make, tmp_path: Path) -> None:
    folder = make_run("a", settings={"figures": ["delay", "cdf"]})
    told: list[str] = []
    assert draw_all(load(folder), tmp_path / "out", told.append) == [
        tmp_path / "out" / "delay.png",
        tmp_path / "out" / "cdf.png",
    ]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"delay.png", "delay.csv", "cdf.png", "cdf.csv"}
    assert told == []


def test_what_cannot_be_drawn_is_told_in_a_line_and_the_rest_is_drawn(
    make_run: Make, tmp_path: Path, nothing_learned: Any
) -> None:
    folder = make_run("a", settings={"figures": ["curves", "delay", {"kind": "gantt", "round": 9}]}, **nothing_learned)
    (tmp_path / "learning.png").write_text("of earlier runs")
    told: list[str] = []
    assert draw_all(load(folder), tmp_path, told.append) == [tmp_path / "delay.png"]
    assert [line.partition(": not drawn; ")[0] for line in told] == ["learning", "gantt-9"]
    assert not any("\n" in line for line in told)
    assert not (tmp_path / "learning.png").exists()


def test_what_nobody_named_and_cannot_be_drawn_is_passed_over(
    make_run: Make, tmp_path: Path, nothing_learned: Any
) -> None:
    told: list[str] = []
    draw_all(load(make_run("a", **nothing_learned)), tmp_path, told.append)
    assert told == []
    assert (tmp_path / "delay.png").is_file()


def test_a_disk_that_is_full_loses_no_results(make_run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pictures, "save", fail)
    told: list[str] = []
    pictures.show(make_run("a", settings={"figures": ["delay"]}), told.append)
    assert told == ["delay: not drawn; disk full"]


def test_a_scenario_of_another_version_and_a_folder_without_a_run_are_told(make_run: Make, tmp_path: Path) -> None:
    told: list[str] = []
    pictures.show(make_run("a", settings={"figures": ["hologram"]}), told.append)
    (tmp_path / "empty").mkdir()
    pictures.show(tmp_path / "empty", told.append)
    assert [line.partition(";")[0] for line in told] == ["figures: not drawn"] * 2
    assert "'hologram': not one of" in told[0]


def test_a_run_under_way_is_drawn_as_far_as_it_is(make_run: Make, tmp_path: Path) -> None:
    named = ["comparison", "curves", "delay", "cdf", "memory", "gantt", "map"]
    folder = make_run("a", settings={"figures": named})
    for name in ("summary.json", "links.parquet", "memory.parquet"):
        (folder / name).unlink(missing_ok=True)
    told: list[str] = []
    drawn = [picture.stem for picture in draw_all(load(folder), tmp_path, told.append)]
    assert drawn == ["comparison", "learning", "delay", "cdf", "gantt-1"]
    assert [line.partition(":")[0] for line in told] == ["memory", "map"]


def test_a_run_that_has_left_only_its_scenario_is_told(make_run: Make, tmp_path: Path) -> None:
    folder = make_run("a", settings={"figures": ["comparison", "curves", "delay", "cdf", "memory", "gantt", "map"]})
    for file in folder.iterdir():
        if file.name != "scenario.yaml":
            file.unlink()
    told: list[str] = []
    draw_all(load(folder), tmp_path, told.append)
    assert [line.partition(":")[0] for line in told] == [
        *("comparison", "learning", "delay", "cdf", "memory", "gantt-1", "map")
    ]


def test_a_figure_of_a_sweep_needs_what_was_varied(make_run: Make, tmp_path: Path) -> None:
    """A study that is run or compared, and not swept."""
    study = {"figures": [{"kind": "sweep", "x": "users.count"}, "delay"]}
    for users in (2, 3):
        make_run(f"{users}", settings=study | {"users": {"count": users}})
    assert wishes(load(tmp_path / "2")) == [Delay()]
    assert wishes(load(tmp_path)) == [Sweep(x="users.count"), Delay()]
