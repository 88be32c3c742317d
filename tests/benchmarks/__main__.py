"""make bench: what the engine costs beside what it simulates, as ratios measured in one run.

Times are CPU seconds of this process, the best of a few repetitions, since machines are shared.
"""

import time
from collections.abc import Callable
from pathlib import Path

import simpy
from rich.console import Console
from rich.table import Table

from cosim import runner
from cosim.runner import Run
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries
from training.jobs import RUNTIMES, EagerRuntime, Job

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart.yaml"


def cpu_seconds(work: Callable[[], object], repetitions: int = 3) -> float:
    """The least CPU time of a few runs of ``work``."""
    times = []
    for _ in range(repetitions):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def quickstart(*overrides: str) -> Run:
    """One run of the quickstart's first scheme."""
    scenario = load_scenario(QUICKSTART, overrides)
    return runner.run(scenario, entries(scenario)[0])


def bare_timeouts(events: int, processes: int = 100) -> None:
    """As many SimPy events, in as many processes as a world has, with nothing behind them."""
    env = simpy.Environment()

    def tick() -> object:
        for _ in range(events // processes):
            yield env.timeout(1)

    for _ in range(processes):
        env.process(tick())  # type: ignore[arg-type]
    env.run()


def engine_row() -> tuple[str, str]:
    """Analytic activities against bare SimPy timeouts, each a second of CPU."""
    rounds = 20
    overrides = ("execution=analytic", "users.count=100", "data.partition=iid", "scheme.local_steps=1")
    short, long = (lambda n=n: quickstart(*overrides, f"scheme.rounds={n}") for n in (1, 1 + rounds))
    begin, whole = cpu_seconds(short, 2), cpu_seconds(long, 2)
    activities = len(long().world.recorder.activities) * rounds // (1 + rounds)
    ours, bare = activities / (whole - begin), 100_000 / cpu_seconds(lambda: bare_timeouts(100_000))
    return "analytic activities against bare SimPy timeouts, a CPU second", f"1 : {bare / ours:.1f} ({ours:,.0f}/s)"


class TimedRuntime(EagerRuntime):
    """Knows how much CPU time its jobs have taken, over all runs."""

    in_jobs_s = 0.0

    def _run(self, job: Job) -> None:
        began = time.process_time()
        super()._run(job)
        TimedRuntime.in_jobs_s += time.process_time() - began


def overhead_row() -> tuple[str, str]:
    """The share of an eager run's CPU time that is not training or evaluation; preparation is left out."""

    def whole_and_jobs_s(rounds: int) -> tuple[float, float]:
        TimedRuntime.in_jobs_s = 0.0
        whole = cpu_seconds(lambda: quickstart(f"scheme.rounds={rounds}"), repetitions=1)
        return whole, TimedRuntime.in_jobs_s

    RUNTIMES["eager"] = TimedRuntime
    (few, few_jobs), (many, many_jobs) = whole_and_jobs_s(1), whole_and_jobs_s(4)
    RUNTIMES["eager"] = EagerRuntime
    share = 1 - (many_jobs - few_jobs) / (many - few)
    return "share of a round's CPU time outside training and evaluation", f"{100 * share:.1f} %"


def main() -> None:
    """Measure and print."""
    table = Table("what", "measured", title="cosim benchmarks")
    for row in (engine_row, overhead_row):
        table.add_row(*row())
    Console().print(table)


if __name__ == "__main__":
    main()
