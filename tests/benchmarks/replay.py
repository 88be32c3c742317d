"""What it costs to ask again: nothing is learned twice."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from tests.benchmarks.measuring import QUICKSTART, Measured, fresh_cache, median_ratio, seconds

POINTS = 20
REPETITIONS = 3


def sweep_against_run() -> Measured:
    """``cosim sweep`` over bandwidths against ``cosim run`` at one of them, each with nothing kept; wall time."""
    vary = ["--vary", f"radio.bandwidth=log(1,100,{POINTS}) MHz"]
    pairs = []
    for _ in range(REPETITIONS):
        with fresh_cache():
            one = seconds(lambda: command("run"), time.perf_counter)
        with fresh_cache():
            pairs.append((one, seconds(lambda: command("sweep", *vary), time.perf_counter)))
    one, all_of_them = (min(times) for times in zip(*pairs, strict=True))
    what = f"cosim sweep quickstart, {POINTS} bandwidths, against cosim run, nothing kept, wall time"
    return Measured(what, f"{median_ratio(pairs):.2f} x ({all_of_them:.1f} s, {one:.1f} s)", "<= 1.3 x")


def rerun_against_first() -> Measured:
    """``cosim compare`` as a user calls it, with nothing kept and then again; wall time."""
    pairs = []
    for _ in range(REPETITIONS):
        with fresh_cache():
            first, again = (seconds(lambda: command("compare"), time.perf_counter) for _ in range(2))
        pairs.append((first, again))
    first, again = (min(times) for times in zip(*pairs, strict=True))
    what = "cosim compare quickstart, rerun against first run, wall time"
    return Measured(what, f"{100 * median_ratio(pairs):.1f} % ({again:.1f} s, {first:.1f} s)", "< 10 %")


def command(name: str, *options: str) -> None:
    """In a process of its own, for the start of Python and the loading of libraries count."""
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-m", "cosim", name, str(QUICKSTART), "--quiet", "--out", folder, *options]
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)


def rows() -> list[Callable[[], Measured]]:
    """All of this file, each to be measured when called."""
    return [sweep_against_run, rerun_against_first]
