"""What is seen of a sweep while it goes on."""

from pathlib import Path

import pytest

from cosim.sweep.progress import PointsProgress
from tests.cosim.sweep.conftest import planned


def test_points_are_counted_by_what_became_of_them(small: Path, tmp_path: Path) -> None:
    points = planned(small, tmp_path, "users.count=2:6")
    progress = PointsProgress(5, quiet=True)
    progress.found(1)
    for point in points:
        progress.began(point)
    assert progress.seen() == "4 running"
    progress.elsewhere(points[0])
    assert progress.seen() == "3 running"
    progress.began(points[0])
    progress.ended(points[0], cached=False, problem="")
    progress.ended(points[1], cached=True, problem="")
    progress.ended(points[2], cached=False, problem="no")
    assert progress.seen() == "1 running, 1 trained before, 1 failed"
    progress.ended(points[3], cached=True, problem="")
    assert progress.seen() == "2 trained before, 1 failed"


def test_a_loss_is_told_and_the_point_no_longer_runs(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (point,) = planned(small, tmp_path, "users.count=2")
    with PointsProgress(1, quiet=False) as progress:
        progress.began(point)
        progress.lost(point, "its worker was killed")
        assert progress.seen() == ""
    assert "users.count=2: its worker was killed; it is tried again" in capsys.readouterr().err.replace("\n", " ")
