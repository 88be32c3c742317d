"""Memory of this machine that a simulated user takes. Peaks are of whole processes, so each run has one of its own.

A peak leaps where the heap grows: what a user adds is the slope of a line through several.

python -m tests.benchmarks.memory deferred 1000
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from tests.benchmarks.measuring import Measured, fresh_cache, quickstart

USERS = (2000, 3000, 4000, 5000)
"""From where a run has several windows of pending jobs: what one window takes is no user's own."""
MANY = 1000
SMALL_STEPS = ("scheme.rounds=2", "scheme.local_steps=1", "data.batch_size=1", "data.sequence_length=16")
"""Two rounds: in the second, each user has a state already while its next one is made."""
NARROW_PASSES = "host.tokens=128"
"""What a pass takes is bounded, and no user's own; but a wide one's 100 MB vary by how users divide into passes."""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """Of a process that has run so many users, each of whom trains a state: adapter and two moments.

    Of what is resident, its ``own`` memory leaves out pages of files (libraries), of which the system keeps as many as
    it likes, tens of megabytes more or fewer.
    """

    resident_bytes: int
    own_bytes: int
    state_bytes: int


def peak(execution: str, users: int, *settings: str) -> Peak:
    """Run the quickstart with so many users in this process."""
    of_all = (f"execution={execution}", f"users.count={users}", "data.partition=iid", "host.threads=1")
    lab = quickstart(*of_all, *SMALL_STEPS, *settings).prepared.lab
    return Peak(
        resident_bytes=own_peak_bytes(),
        own_bytes=own_peak_bytes() - file_bytes(),
        state_bytes=3 * 4 * lab.layout.parameters(lab.whole),
    )


def own_peak_bytes() -> int:
    """Most memory this process has had resident.

    Linux hands the usual ``ru_maxrss`` of a parent on to its children; the status file knows of this process alone.
    """
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _status_bytes("VmHWM")


def file_bytes() -> int:
    """How much of what is resident now are pages of files, where the system says so."""
    return 0 if sys.platform == "darwin" else _status_bytes("RssFile")


def _status_bytes(name: str) -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def peak_elsewhere(execution: str, users: int, *settings: str) -> Peak:
    """The same in a process that does nothing else; what goes wrong there is seen on stderr."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", execution, str(users), *settings]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=root)
    return Peak(**json.loads(done.stdout))


def peak_afresh(execution: str, users: int, *settings: str) -> Peak:
    """The same with nothing kept of what others have learned."""
    with fresh_cache():
        peak_elsewhere(execution, 2)  # reading the corpus peaks, too: from here on its tokens are kept
        return peak_elsewhere(execution, users, *settings)


def beyond_adapters(execution: str) -> Callable[[], list[Measured]]:
    """What an added user takes beside what it trains, and what many users take in all."""

    def measure() -> list[Measured]:
        peaks = [peak_afresh(execution, users, NARROW_PASSES) for users in USERS]
        trained = peaks[0].state_bytes if execution == "deferred" else 0
        added_bytes, _ = np.polyfit(USERS, [peak.own_bytes for peak in peaks], deg=1)
        beyond = (added_bytes - trained) / 1e3
        of_many = peak_afresh(execution, MANY).resident_bytes
        return [
            Measured(
                f"{execution}: peak memory of an added user beyond adapter and moments", f"{beyond:.1f} kB", "< 10 kB"
            ),
            Measured(f"{execution}: peak memory, {MANY} users", f"{of_many / 1e9:.2f} GB", "< 1.5 GB"),
        ]

    return measure


def rows() -> list[Callable[[], list[Measured]]]:
    """All of this file, each to be measured when called."""
    return [beyond_adapters("analytic"), beyond_adapters("deferred")]


if __name__ == "__main__":
    Console(soft_wrap=True).out(json.dumps(asdict(peak(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))))
