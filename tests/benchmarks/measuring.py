"""How all benchmarks measure: the quickstart as their subject, two clocks, and ratios of what was taken in turns.

Other work shares the machine, and comes and goes. So whatever is compared is measured in turns, within seconds of each
other; what counts is the median of the ratios; and where one core is enough it is CPU time, not wall time.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from cosim import runner
from cosim.observer import Row
from cosim.runner import Run
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries
from cosim.tracking.callback import Telling

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart.yaml"

Work = Callable[[], object]
Clock = Callable[[], float]


class Measured(NamedTuple):
    """A line of the table: what was measured, what came out, and what it should be."""

    what: str
    result: str
    target: str


def seconds(work: Work, clock: Clock = time.process_time) -> float:
    """What ``work`` takes once, in CPU seconds of this process unless ``clock`` is another."""
    began = clock()
    work()
    return clock() - began


def in_turns(ours: Work, theirs: Work, clock: Clock, repetitions: int) -> list[tuple[float, float]]:
    """Seconds of ``ours`` and of ``theirs``, one after the other, after one of each that does not count."""
    ours(), theirs()
    return [(seconds(ours, clock), seconds(theirs, clock)) for _ in range(repetitions)]


def median_ratio(pairs: list[tuple[float, float]]) -> float:
    """How many times as long theirs took, in the middle of all pairs (ours, theirs)."""
    return median(theirs / ours for ours, theirs in pairs)


def quickstart(*overrides: str, tell: Callable[[Row], None] = lambda _: None) -> Run:
    """One run of the quickstart's first scheme in this process."""
    scenario = load_scenario(QUICKSTART, overrides)
    return runner.run(scenario, entries(scenario)[0], [Telling(tell)])


@contextmanager
def fresh_cache() -> Iterator[Path]:
    """Results are kept in a new folder meanwhile, and then thrown away."""
    before = os.environ.get("COSIM_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COSIM_CACHE"] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["COSIM_CACHE"]
            else:
                os.environ["COSIM_CACHE"] = before
