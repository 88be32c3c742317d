"""What a sweep costs beside its runs: points by one and two workers, and a point against the engine alone."""

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cosim import runner
from cosim.scenario.loading import read_tree
from cosim.sweep.local_crew import LocalCrew
from cosim.sweep.points import Point, points
from cosim.sweep.resources import Share
from cosim.sweep.settings import grid
from cosim.sweep.standing import standing
from cosim.sweep.sweep import sweep
from cosim.sweep.values import parse_values
from cosim.sweep.worker import run_point
from tests.benchmarks.measuring import QUICKSTART, Measured, fresh_cache, median_ratio, seconds

POINTS = 1000
FEW = 40
REPETITIONS = 3
TWENTY_USERS = ["users.count=20", "data.partition={name: iid}", "scheme.rounds=1", "execution=analytic"]


class Silent:
    """Hears of a sweep and says nothing."""

    def found(self, points: int) -> None:
        pass

    def began(self, point: Point) -> None:
        pass

    def ended(self, point: Point, summary: Mapping[str, Any] | None, *, cached: bool, problem: str) -> None:
        assert not problem, problem

    def lost(self, point: Point, problem: str) -> None:
        raise AssertionError(problem)

    def elsewhere(self, point: Point) -> None:
        raise AssertionError(point)


def points_by_workers() -> Measured:
    """Analytic points by one worker and by two, from the start of the workers to the whole table; wall time."""
    with fresh_cache(), tempfile.TemporaryDirectory() as folder:
        planned = bandwidths(POINTS, Path(folder))
        run_point(planned[0].scenario, Path(folder) / "first")  # what all have in common is measured once
        taken = {}
        for workers in (1, 2):
            here = Path(folder) / str(workers)
            moved = bandwidths(POINTS, here)
            share = Share(workers=workers, cores=workers)
            begun = standing(moved, here)
            taken[workers] = seconds(lambda: sweep(begun, LocalCrew(share), Silent()), time.perf_counter)  # noqa: B023
    rates = ", ".join(f"{POINTS / taken[workers]:.1f}/s by {workers}" for workers in taken)
    efficiency = taken[1] / (2 * taken[2])
    return Measured(
        f"{POINTS} analytic points, 20 users, two workers against one", f"{efficiency:.0%} ({rates})", ">= 85 %"
    )


def point_against_engine() -> Measured:
    """Validation and run of a point, with all results written, beyond a run of the engine in a loop; CPU time."""
    with fresh_cache(), tempfile.TemporaryDirectory() as folder:
        run_point(bandwidths(1, Path(folder))[0].scenario, Path(folder) / "first")
        pairs = []
        for repetition in range(REPETITIONS):
            planned = bandwidths(FEW, Path(folder))
            alone = seconds(lambda: [runner.run(point.scenario, point.entry, threads=1) for point in planned])  # noqa: B023
            pairs.append((alone, seconds(lambda: run_all(Path(folder) / str(repetition)))))  # noqa: B023
    beyond = (median_ratio(pairs) - 1.0) * min(alone for alone, _ in pairs) / FEW
    return Measured("a point of a sweep, 20 users, beyond the engine, CPU time", f"{1e3 * beyond:.0f} ms", "< 50 ms")


def run_all(folder: Path) -> None:
    """Check and run all points in this process."""
    for point in bandwidths(FEW, folder):
        run_point(point.scenario, point.folder, threads=1)


def bandwidths(count: int, folder: Path) -> list[Point]:
    """The quickstart with twenty users at so many bandwidths."""
    varied = {"radio.bandwidth": parse_values(f"log(1,100,{count}) MHz")}
    return points(read_tree(QUICKSTART, TWENTY_USERS), str(QUICKSTART), list(grid(varied)), folder / "points")


def rows() -> list[Callable[[], Measured]]:
    """All of this file, each to be measured when called."""
    return [points_by_workers, point_against_engine]
