"""What holds for every crew of workers: results, problems, deaths, and points that another sweep has."""

from pathlib import Path

import pytest

from cosim.claims import claimed
from cosim.sweep.crew import Crew, Outcome
from cosim.sweep.kept import claim_of
from cosim.sweep.points import Point
from cosim.sweep.worker import run_point
from tests.cosim.sweep.conftest import planned
from tests.cosim.sweep.crews import MakeCrew, counting, crews

WAITS_S = 1.0


def outcomes(crew: Crew, *points: Point, patience_s: float = 0.0) -> list[Outcome]:
    """What becomes of ``points``, run side by side, in their order."""
    for point in points:
        crew.take(point, 1, patience_s)
    assert sorted(point.name for point in crew.busy) == sorted(point.name for point in points)
    found: list[Outcome] = []
    while crew.busy:
        found += crew.outcomes(WAITS_S)
    return sorted(found, key=lambda outcome: outcome.point.place)


@crews
def test_a_crew_runs_points_and_outlives_what_they_do(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crew_of: MakeCrew
) -> None:
    scheme = counting(tmp_path, monkeypatch, f"dies_{crew_of.__name__}", deaths=1)
    small.write_text(small.read_text(encoding="utf-8").replace("{name: federated", f"{{name: '{scheme}'"))
    impossible = ("execution=analytic", "data.partition={name: natural, authors_per_user: 1}")
    points = planned(small, tmp_path, "users.count=2,3,50", overrides=impossible)
    crew = crew_of(points)
    try:
        assert crew.share.workers == 2
        assert list(crew.outcomes(0.0)) == []
        (died,) = outcomes(crew, points[0])
        assert (died.because, died.summary) == ("died", None)
        assert died.problem.startswith("its worker ")
        done, failed = outcomes(crew, points[0], points[2])
        assert done.because == ""
        alone = run_point(points[0].scenario, tmp_path / "alone")
        assert done.summary is not None
        assert {**done.summary, "wall_time_s": 0} == {**alone, "wall_time_s": 0}
        assert (failed.because, failed.summary) == ("problem", None)
        assert failed.problem.startswith("small: ")
        with claimed(claim_of(points[1].folder)):
            assert outcomes(crew, points[1]) == [Outcome(point=points[1], because="elsewhere")]
            crew.take(points[1], 1, 300.0)
            assert list(crew.outcomes(WAITS_S)) == []
        while not (after := list(crew.outcomes(WAITS_S))):
            pass
        assert [outcome.because for outcome in after] == [""]
    finally:
        crew.close()
    assert crew.busy == []
