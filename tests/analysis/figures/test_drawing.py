from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.figures.bars import delay_data
from analysis.figures.canvas import Drawn
from analysis.figures.curves import curves_data
from analysis.figures.drawing import draw, save
from analysis.figures.kinds import Comparison, Curves
from analysis.load import Results, load

FIRST_BYTES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.fixture
def results(make_run: Callable[..., Path]) -> Results:
    return load(make_run("slow", slowness=2.0), make_run("fast"))


@pytest.fixture
def curve(results: Results) -> Drawn:
    return draw(results, Curves())


def test_the_comparison_shows_learning_beside_delay_with_one_marker_a_run(results: Results) -> None:
    curves, bars = draw(results, Comparison()).figure.axes
    assert curves.get_ylabel() == "Perplexity"
    assert bars.get_xlabel() == "Time, mean over users (s)"
    looks = [[(line.get_marker(), line.get_color()) for line in axes.get_lines()] for axes in (curves, bars)]
    assert looks[0] == looks[1]


def test_the_data_of_the_comparison_are_those_of_its_two_halves(results: Results) -> None:
    data = draw(results, Comparison()).data
    learned, delayed = curves_data(results), delay_data(results)
    top, bottom = data.iloc[: len(learned)], data.iloc[len(learned) :].reset_index(drop=True)
    pd.testing.assert_frame_equal(top[list(learned.columns)], learned, check_dtype=False)
    pd.testing.assert_frame_equal(bottom[list(delayed.columns)], delayed)


@pytest.mark.parametrize("suffix", FIRST_BYTES)
def test_a_figure_is_written_with_its_numbers_beside_it(curve: Drawn, tmp_path: Path, suffix: str) -> None:
    save(curve.figure, curve.data, tmp_path / "out" / f"curve.{suffix}")
    assert (tmp_path / "out" / f"curve.{suffix}").read_bytes().startswith(FIRST_BYTES[suffix])
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "curve.csv"), curve.data, check_dtype=False)
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize("suffix", FIRST_BYTES)
def test_equal_figures_are_equal_files_whenever_they_are_written(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    for name, now_s in (("first", "0"), ("second", "86400")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", now_s)
        drawn = draw(results, Curves())
        save(drawn.figure, drawn.data, tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"second.{suffix}").read_bytes()


def test_a_figure_that_fails_to_draw_leaves_neither_picture_nor_numbers(
    curve: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_half_way(_: Figure, file: Path, **options: object) -> None:
        file.write_bytes(b"\x89PNG")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail_half_way)
    with pytest.raises(OSError, match="disk full"):
        save(curve.figure, curve.data, tmp_path / "out" / "curve.png")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["curve.gif", "curve", "curve.csv"])
def test_a_format_that_cannot_be_written_is_refused(curve: Drawn, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"use \.png, \.svg or \.pdf"):
        save(curve.figure, curve.data, tmp_path / name)


def test_drawing_and_saving_leave_the_settings_of_matplotlib_alone(results: Results, tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    drawn = draw(results, Comparison())
    save(drawn.figure, drawn.data, tmp_path / "comparison.png")
    assert dict(mpl.rcParams) == before
