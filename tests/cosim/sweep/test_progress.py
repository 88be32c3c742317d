"""What is seen of a sweep while it goes on."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cosim.sweep.points import Point
from cosim.sweep.progress import PointsProgress
from tests.cosim.sweep.conftest import planned


def summary(perplexity: float | None = None) -> dict[str, Any]:
    return {"sim_time_s": 12.34, "final": {"perplexity": perplexity}}


def screen(progress: PointsProgress) -> list[str]:
    """Its lines, as a wide terminal has them."""
    console = Console(file=io.StringIO(), width=120)
    console.print(progress._live.get_renderable())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


@pytest.fixture
def five(small: Path, tmp_path: Path) -> list[Point]:
    return planned(small, tmp_path, "users.count=2:7")


def test_points_are_counted_by_what_became_of_them(five: list[Point]) -> None:
    progress = PointsProgress(6, quiet=True)
    progress.found(1)
    for point in five:
        progress.began(point)
    assert progress.seen() == "5 running"
    progress.elsewhere(five[0])
    assert progress.seen() == "4 running"
    progress.began(five[0])
    progress.ended(five[0], summary(), cached=False, problem="")
    progress.ended(five[1], summary(), cached=True, problem="")
    progress.ended(five[2], None, cached=False, problem="no")
    assert progress.seen() == "2 running, 1 trained before, 1 failed"
    progress.ended(five[3], summary(), cached=True, problem="")
    assert progress.seen() == "1 running, 2 trained before, 1 failed"


def test_the_table_has_the_last_points_and_those_under_way(five: list[Point]) -> None:
    progress = PointsProgress(5, quiet=True)
    for point in five[:4]:
        progress.began(point)
    progress.ended(five[0], summary(98.7654), cached=False, problem="")
    progress.ended(five[1], summary(), cached=True, problem="")
    progress.ended(five[2], None, cached=False, problem="no")
    bar, _, *rows = screen(progress)
    assert "3/5 1 running, 1 trained before, 1 failed" in bar
    assert [row.split() for row in rows] == [
        ["users.count=2", "done", "12.3", "s", "98.77"],
        ["users.count=3", "trained", "before", "12.3", "s"],
        ["users.count=4", "failed"],
        ["users.count=5", "running", "0:00:00"],
    ]


def test_the_time_left_is_by_what_was_run_and_not_by_what_was_found(five: list[Point]) -> None:
    progress = PointsProgress(5, quiet=True)
    instant = [0.0]
    bar = progress._live.tasks[0]
    bar._get_time, bar.start_time = (lambda: instant[0]), 0.0
    progress.found(2)
    assert "left -:--:--" in screen(progress)[0]
    progress.began(five[2])
    instant[0] = 30.0
    progress.ended(five[2], summary(), cached=False, problem="")
    assert "left 0:01:00" in screen(progress)[0]  # two points at 30 s


def test_a_loss_is_told_and_the_point_no_longer_runs(five: list[Point], capsys: pytest.CaptureFixture[str]) -> None:
    with PointsProgress(1, quiet=False) as progress:
        progress.began(five[0])
        progress.lost(five[0], "its worker was killed")
        assert progress.seen() == ""
    assert "users.count=2: its worker was killed; it is tried again" in capsys.readouterr().err.replace("\n", " ")


def test_at_its_end_the_bar_alone_remains(five: list[Point]) -> None:
    with PointsProgress(1, quiet=True) as progress:
        progress.began(five[0])
        progress.ended(five[0], summary(), cached=False, problem="")
    assert len(screen(progress)) == 1
