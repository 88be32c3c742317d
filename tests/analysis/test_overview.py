"""All that a comparison leaves at once."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from analysis import overview

TABLES = ("table.csv", "table.tex", "paired.csv")


def test_without_runs_there_is_nothing_to_show(tmp_path: Path) -> None:
    overview.show(tmp_path, [], Console(quiet=True))
    assert list(tmp_path.iterdir()) == []


def test_a_comparison_leaves_a_table_and_pictures_with_their_numbers(
    make_run: Callable[..., Path], tmp_path: Path
) -> None:
    make_run("fast")
    make_run("slow", slowness=2.0)
    console = Console(file=io.StringIO(), width=100)
    overview.show(tmp_path, [tmp_path / "fast", tmp_path / "slow"], console)
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    pictures = {f"{name}.{kind}" for name in ("comparison", "delay", "learning") for kind in ("csv", "png")}
    assert names == {*pictures, *TABLES}


def test_analytic_runs_have_delays_but_no_learning_curve(
    make_run: Callable[..., Path], nothing_learned: Any, tmp_path: Path
) -> None:
    make_run("analytic", **nothing_learned)
    overview.show(tmp_path, [tmp_path / "analytic"], Console(quiet=True))
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert names == {*TABLES, "delay.csv", "delay.png"}


def test_classifiers_learn_accuracy(make_run: Callable[..., Path], tmp_path: Path) -> None:
    make_run("text")
    make_run("classes", perplexities=(None, None, None))
    overview.show(tmp_path, [tmp_path / "text"], Console(quiet=True))
    overview.show(tmp_path, [tmp_path / "classes"], Console(quiet=True))
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    pictures = {f"{name}.{kind}" for name in ("comparison", "delay", "learning") for kind in ("csv", "png")}
    assert names == {*pictures, *TABLES}
    assert "0.2" in (tmp_path / "learning.csv").read_text()


def test_pictures_of_an_earlier_comparison_do_not_stay_beside_new_numbers(
    make_run: Callable[..., Path], nothing_learned: Any, tmp_path: Path
) -> None:
    make_run("trained")
    make_run("analytic", **nothing_learned)
    (tmp_path / "notes.txt").write_text("mine")
    overview.show(tmp_path, [tmp_path / "trained"], Console(quiet=True))
    overview.show(tmp_path, [tmp_path / "analytic"], Console(quiet=True))
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert names == {*TABLES, "delay.csv", "delay.png", "notes.txt"}
