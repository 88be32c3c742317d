"""Sweeps by real worker processes: the same results as single runs, whoever dies meanwhile."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from cosim import runner
from cosim.claims import LEASE_S
from cosim.scenario.entries import entries
from cosim.sweep.beside import beside_others
from cosim.sweep.crew import Crew, Outcome
from cosim.sweep.local_crew import LocalCrew
from cosim.sweep.points import Point
from cosim.sweep.resources import Share
from cosim.sweep.standing import standing
from cosim.sweep.sweep import Swept, sweep
from cosim.sweep.table import SweepTable
from cosim.sweep.worker import run_point
from tests.cosim.sweep.conftest import Heard, planned
from tests.cosim.sweep.crews import MakeCrew, by_ray, counting, local

NOT_OF_THE_RUN = ["wall_time_s", "jobs.run", "jobs.cached"]
"""Columns that say how a result came about, not what it is."""


def swept(points: list[Point], folder: Path, workers: int = 2, heard: Heard | None = None) -> Swept:
    return sweep(standing(points, folder), LocalCrew(Share(workers=workers, cores=2)), heard or Heard())


def table(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "sweep.parquet")


def test_twenty_points_by_two_workers_are_twenty_runs_and_the_table_of_one_worker(small: Path, tmp_path: Path) -> None:
    """To the last bit, wall times apart."""
    vary = ("radio.bandwidth=log(1,100,10) MHz", "users.count=2:4")
    analytic = ("execution=analytic",)
    points = planned(small, tmp_path / "two", *vary, overrides=analytic)
    alone = SweepTable(points, tmp_path)
    for point in points:
        alone.set(point, "done", run_point(point.scenario, tmp_path / "alone" / point.name))
    by_itself = again(alone, tmp_path).drop(columns="wall_time_s")
    assert swept(points, tmp_path / "two") == Swept(there_before=0, done=20, failed={}, interrupted=False)
    by_two = table(tmp_path / "two")
    pd.testing.assert_frame_equal(by_two.drop(columns="wall_time_s"), by_itself)
    swept(planned(small, tmp_path / "one", *vary, overrides=analytic), tmp_path / "one", workers=1)
    by_one = table(tmp_path / "one")
    pd.testing.assert_frame_equal(by_two.drop(columns="wall_time_s"), by_one.drop(columns="wall_time_s"))
    assert by_two["status"].unique().tolist() == ["done"]
    assert by_two["radio.bandwidth"].is_monotonic_increasing
    assert by_two.groupby("users.count")["sim_time_s"].apply(lambda times: times.is_monotonic_decreasing).all()


def again(written: SweepTable, folder: Path) -> pd.DataFrame:
    """The table as it is read back."""
    written.write()
    return table(folder)


def test_a_finished_sweep_is_not_run_again_and_a_changed_one_is(small: Path, tmp_path: Path) -> None:
    analytic = ("execution=analytic",)
    points = planned(small, tmp_path, "radio.bandwidth=1:4 MHz", overrides=analytic)
    swept(points[:2], tmp_path, workers=1)
    heard = Heard()
    assert swept(points, tmp_path, workers=1, heard=heard).there_before == heard.there_before == 2
    assert heard.begun == [points[2].name]
    before = (tmp_path / "sweep.parquet").read_bytes()
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "points").rglob("*")}
    heard = Heard()
    swept(points, tmp_path, heard=heard)
    assert heard.begun == []
    assert (tmp_path / "sweep.parquet").read_bytes() == before
    assert files == {file: file.stat().st_mtime_ns for file in (tmp_path / "points").rglob("*")}
    heard = Heard()
    slower = planned(small, tmp_path, "radio.bandwidth=1:4 MHz", overrides=(*analytic, "backhaul.latency=1 s"))
    assert [point.folder for point in slower] == [point.folder for point in points]
    changed = beside_others(slower)
    assert swept(changed, tmp_path, workers=1, heard=heard).there_before == 0
    assert heard.begun == [point.name for point in changed]
    assert all(file.stat().st_mtime_ns == written for file, written in files.items() if file.is_file())
    assert beside_others(points) == points
    assert swept(beside_others(slower), tmp_path, workers=1).there_before == len(points)


@pytest.mark.parametrize("left", ["summary.json", "scenario.yaml"])
def test_half_a_point_is_run_again(small: Path, tmp_path: Path, left: str) -> None:
    (point,) = planned(small, tmp_path, "radio.bandwidth=1MHz", overrides=("execution=analytic",))
    run_point(point.scenario, point.folder)
    (point.folder / left).write_text("{", encoding="utf-8")
    heard = Heard()
    assert swept([point], tmp_path, heard=heard).done == 1
    assert heard.begun == [point.name]


def test_a_worker_that_dies_costs_no_point_if_the_second_one_lives(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = counting(tmp_path, monkeypatch, "dies_once", deaths=1)
    points = planned(small, tmp_path, f"scheme.name=federated,'{name}',centralised", overrides=("execution=analytic",))
    heard = Heard()
    assert swept(points, tmp_path, heard=heard).failed == {}
    assert heard.losses == [
        (points[1].name, "its worker was killed by SIGKILL, as it does where memory runs out"),
    ]
    assert sorted(heard.begun) == sorted([*(point.name for point in points), points[1].name])
    assert table(tmp_path)["status"].tolist() == ["done"] * 3


def test_a_point_that_kills_two_workers_has_failed_and_the_others_have_not(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = counting(tmp_path, monkeypatch, "dies_twice", deaths=2)
    points = planned(small, tmp_path, f"scheme.name=federated,'{name}',centralised", overrides=("execution=analytic",))
    assert swept(points, tmp_path).failed == {
        points[1].name: "its worker was killed by SIGKILL, as it does where memory runs out"
    }
    found = table(tmp_path)
    assert found["status"].tolist() == ["done", "failed", "done"]
    assert found["sim_time_s"].isna().tolist() == [False, True, False]


def test_what_a_point_cannot_have_is_its_failure_alone(small: Path, tmp_path: Path) -> None:
    """The corpus has four authors."""
    analytic = ("execution=analytic", "data.partition={name: natural, authors_per_user: 1}")
    points = planned(small, tmp_path, "users.count=2,50,3", overrides=analytic)
    done = swept(points, tmp_path, workers=1)
    assert list(done.failed) == [points[1].name]
    assert "small: " in done.failed[points[1].name]
    assert done.done == 2


def test_a_point_that_another_sweep_has_is_waited_for_when_nothing_else_is_left(small: Path, tmp_path: Path) -> None:
    points = planned(small, tmp_path, "radio.bandwidth=1:4 MHz", overrides=("execution=analytic",))
    crew, heard = _Elsewhere(points[0]), Heard()
    assert sweep(standing(points, tmp_path), crew, heard).done == 3
    assert [name for name, _ in crew.taken] == [points[place].name for place in (0, 1, 2, 0)]
    assert [patience_s > LEASE_S for _, patience_s in crew.taken] == [False, False, False, True]
    assert heard.taken == [points[0].name]
    assert table(tmp_path)["status"].tolist() == ["done"] * 3


class _Elsewhere:
    """A crew of one, which finds ``point`` taken the first time."""

    share = Share(workers=1, cores=1)

    def __init__(self, point: Point) -> None:
        self._point = point
        self.busy: list[Point] = []
        self.taken: list[tuple[str, float]] = []

    def prepare(self, points: int) -> None:
        pass

    def take(self, point: Point, threads: int, patience_s: float) -> None:
        self.busy.append(point)
        self.taken.append((point.name, patience_s))

    def outcomes(self, timeout_s: float) -> Iterator[Outcome]:
        point = self.busy.pop()
        if (point.name, 0.0) == (self._point.name, self.taken[-1][1]):
            yield Outcome(point=point, because="elsewhere")
        else:
            yield Outcome(point=point, summary={"jobs": {"run": 0, "cached": 0}})

    def close(self) -> None:
        pass


def test_the_table_has_what_other_sweeps_have_done(small: Path, tmp_path: Path) -> None:
    analytic = ("execution=analytic",)
    points = planned(small, tmp_path, "radio.bandwidth=1:4 MHz", overrides=analytic)
    written = SweepTable(points, tmp_path)
    assert again(written, tmp_path)["status"].tolist() == ["waiting"] * 3
    run_point(points[1].scenario, points[1].folder)
    found = again(written, tmp_path)
    assert found["status"].tolist() == ["waiting", "done", "waiting"]
    assert found["sim_time_s"].notna().tolist() == [False, True, False]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_training_is_that_of_one_point_and_the_table_the_same_whoever_works(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = []
    for name, crew_of in {"one": one, "two": local, "ray": by_ray}.items():
        monkeypatch.setenv("COSIM_CACHE", str(tmp_path / f"cache-{name}"))
        heard = Heard()
        points = planned(small, tmp_path / name, "radio.bandwidth=log(1,100,20) MHz")
        assert sweep(standing(points, tmp_path / name), crew_of(points), heard).done == 20
        assert sorted(heard.cached) == sorted(point.name for point in points[1:])
        tables.append(table(tmp_path / name).drop(columns="wall_time_s"))
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    pd.testing.assert_frame_equal(tables[0], tables[2], check_exact=True)
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache-alone"))
    alone = runner.run(points[0].scenario, entries(points[0].scenario)[0])
    assert tables[0]["jobs.run"].tolist() == [alone.runtime.jobs_run, *[0] * 19]


def one(points: list[Point]) -> Crew:
    return LocalCrew(Share(workers=1, cores=2))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("crew_of", [local, by_ray])
def test_workers_that_are_killed_at_any_moment_leave_the_table_of_an_undisturbed_sweep(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crew_of: MakeCrew
) -> None:
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache"))
    calm = planned(small, tmp_path / "calm", "radio.bandwidth=log(1,100,12) MHz", seeds="0:2")
    swept(calm, tmp_path / "calm")
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "another-cache"))
    points = planned(small, tmp_path / "rough", "radio.bandwidth=log(1,100,12) MHz", seeds="0:2")
    heard = _Killing(every=2)
    assert sweep(standing(points, tmp_path / "rough"), crew_of(points), heard).failed == {}
    assert heard.killed >= 2
    assert len(heard.losses) <= heard.killed  # one that was idle again costs nothing
    assert len(heard.begun) == len(points) + len(heard.losses) + len(heard.taken)
    rough, undisturbed = (table(tmp_path / name).drop(columns=NOT_OF_THE_RUN) for name in ("rough", "calm"))
    pd.testing.assert_frame_equal(rough, undisturbed, check_exact=True)


class _Killing(Heard):
    """Kills a worker a moment after every so many points have begun, but none that runs what was lost before."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self._every = every
        self._timer = threading.Timer(0.0, self._kill)
        self._recovering: set[str] = set()
        self.killed = 0

    def began(self, point: Point) -> None:
        super().began(point)
        if len(self.begun) % self._every == 0 and not self._timer.is_alive() and not self._recovering:
            self._timer = threading.Timer(0.05 * self.killed, self._kill)
            self._timer.start()

    def lost(self, point: Point, problem: str) -> None:
        super().lost(point, problem)
        self._recovering.add(point.name)

    def ended(self, point: Point, summary: Mapping[str, Any] | None, *, cached: bool, problem: str) -> None:
        super().ended(point, summary, cached=cached, problem=problem)
        self._recovering.discard(point.name)

    def _kill(self) -> None:
        at_work = [process for process in psutil.Process().children(recursive=True) if _is_worker(process)]
        if at_work:
            at_work[self.killed % len(at_work)].kill()
            self.killed += 1


def _is_worker(process: psutil.Process) -> bool:
    """Of either crew; Ray's are called by what they do."""
    with suppress(psutil.Error):
        return any(
            word.startswith(("ray::_answer_at", "ray::radio")) or "spawn_main" in word for word in process.cmdline()
        )
    return False
