"""What the simulated world costs beside the training in it."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import simpy

from cosim.observer import Row
from tests.benchmarks.measuring import Measured, fresh_cache, median_ratio, quickstart, seconds
from training import waves
from training.jobs import Task
from training.lab import Lab

TIMEOUTS = 100_000
REPETITIONS = 3


def bare_timeouts(processes: int = 100) -> None:
    """SimPy's own events, in as many processes as the world has, with nothing behind them."""
    env = simpy.Environment()

    def tick() -> object:
        for _ in range(TIMEOUTS // processes):
            yield env.timeout(1)

    for _ in range(processes):
        env.process(tick())  # type: ignore[arg-type]
    env.run()


def activities_against_timeouts() -> Measured:
    """An analytic activity against a bare timeout; what a run costs before its second round is left out."""
    pairs = []
    for _ in range(REPETITIONS):
        marks: list[float] = []
        run = quickstart(
            "execution=analytic",
            "users.count=100",
            "data.partition=iid",
            "scheme.local_steps=1",
            "scheme.rounds=21",
            tell=lambda _, marks=marks: marks.append(time.process_time()),  # type: ignore[misc]
        )
        late = sum(activity.round > 1 for activity in run.world.recorder.activities)
        pairs.append((seconds(bare_timeouts) / TIMEOUTS, (marks[-1] - marks[1]) / late))
    rate = 1 / min(ours for _, ours in pairs)
    what = "an analytic activity in bare SimPy timeouts, CPU time"
    return Measured(what, f"{median_ratio(pairs):.1f} ({rate:,.0f} activities/s)", "")


class Passes:
    """Stands in for what runs the passes of a wave, and knows how much CPU time they have taken."""

    def __init__(self, run: Callable[[Lab, list[Task]], list[Any]]) -> None:
        self.run = run
        self.cpu_s = 0.0

    def __call__(self, lab: Lab, chunk: list[Task]) -> list[Any]:
        """Run one pass."""
        began = time.process_time()
        try:
            return self.run(lab, chunk)
        finally:
            self.cpu_s += time.process_time() - began


def outside_torch(users: int = 64, rounds: int = 4) -> Measured:
    """The share of CPU time that is not training or evaluation, from the end of the first round to that of the last."""
    original = waves._results
    passes = waves._results = Passes(original)
    marks: list[tuple[float, float]] = []

    def tell(_: Row) -> None:
        marks.append((time.process_time(), passes.cpu_s))

    settings = (f"users.count={users}", "data.partition=iid", f"scheme.rounds={rounds}", "host.threads=1")
    try:
        with fresh_cache():
            quickstart(*settings, tell=tell)
    finally:
        waves._results = original
    what = f"{users} users, deferred: share of a round outside torch, CPU time"
    return Measured(what, f"{100 * _outside(marks[1:]):.1f} %", "< 5 %")


def _outside(marks: Sequence[tuple[float, float]]) -> float:
    (began, in_passes_then), (ended, in_passes) = marks[0], marks[-1]
    return 1 - (in_passes - in_passes_then) / (ended - began)


def rows() -> list[Callable[[], Measured]]:
    """All of this file, each to be measured when called."""
    return [activities_against_timeouts, outside_torch]
