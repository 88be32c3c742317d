"""What it costs to ask again: nothing is learned twice."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

from tests.benchmarks.measuring import QUICKSTART, Measured, fresh_cache, median_ratio, quickstart, seconds

POINTS = 20
REPETITIONS = 3


def sweep_against_run() -> Measured:
    """Bandwidths from 1 to 100 MHz against one of them, each time with nothing kept from before; wall time."""
    bandwidths = [f"radio.bandwidth={mhz:.4g} MHz" for mhz in np.geomspace(1, 100, POINTS)]

    def run(settings: list[str]) -> None:
        with fresh_cache():
            for setting in settings:
                quickstart(setting)

    quickstart("scheme.rounds=1", "host.cache=false")  # the libraries are loaded now
    pairs = [
        (seconds(lambda: run(bandwidths[:1]), time.perf_counter), seconds(lambda: run(bandwidths), time.perf_counter))
        for _ in range(REPETITIONS)
    ]
    one, all_of_them = (min(times) for times in zip(*pairs, strict=True))
    what = f"quickstart, {POINTS} bandwidths against one run, wall time"
    return Measured(what, f"{median_ratio(pairs):.2f} x ({all_of_them:.1f} s, {one:.1f} s)", "<= 1.3 x")


def rerun_against_first() -> Measured:
    """``cosim compare`` as a user calls it, with nothing kept and then again; wall time."""
    pairs = []
    for _ in range(REPETITIONS):
        with fresh_cache():
            first, again = (seconds(compare, time.perf_counter) for _ in range(2))
        pairs.append((first, again))
    first, again = (min(times) for times in zip(*pairs, strict=True))
    what = "cosim compare quickstart, rerun against first run, wall time"
    return Measured(what, f"{100 * median_ratio(pairs):.1f} % ({again:.1f} s, {first:.1f} s)", "< 10 %")


def compare() -> None:
    """In a process of its own, for the start of Python and the loading of libraries count."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cosim", "compare", str(QUICKSTART), "--quiet", "--out", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def rows() -> list[Callable[[], Measured]]:
    """All of this file, each to be measured when called."""
    return [sweep_against_run, rerun_against_first]
