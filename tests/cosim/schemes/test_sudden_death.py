"""A machine that fails: whatever the scheme, what was finished is found again, and the result is the same."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.runner import Run
from tests.cosim.schemes.conftest import SCHEMES
from tests.cosim.schemes.test_resume import CACHED, assert_identical

Runner = Callable[..., Run]

QUICK = ("federated", "splitllm")
"""One whose rounds are alike, and one whose users take turns; the others are tried with the slow tests."""
KILLS = 2


@pytest.fixture(autouse=True)
def no_warning_of_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SCHEMES]
)
def test_every_scheme_resumes_to_the_identical_result(
    name: str, tmp_path: Path, run_small: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = SCHEMES[name]
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "undisturbed"))
    undisturbed = run_small(scheme, **CACHED)
    files, draw = kept_in(tmp_path / "undisturbed"), random.Random(name)
    for number in range(KILLS):
        folder = tmp_path / f"killed {number}"
        monkeypatch.setenv("COSIM_CACHE", str(folder))
        after = int((number + draw.random()) / KILLS * (files + 1))
        kill_after(folder, after, draw.random() * 0.01, lambda: run_small(scheme, **CACHED))
        kept = kept_in(folder)
        resumed = run_small(scheme, **CACHED)
        assert_identical(resumed, undisturbed)
        assert resumed.runtime.jobs_cached > 0 or kept < files / 2, "much was finished, and nothing of it was found"


def test_several_processes_share_a_cache(tmp_path: Path, run_small: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme: dict[str, Any] = {"name": "splitfed", "cut": 1}
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "alone"))
    alone = run_small(scheme, **CACHED)
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "shared"))
    fork = multiprocessing.get_context("fork")
    others = [fork.Process(target=run_small, args=(scheme,), kwargs=CACHED) for _ in range(2)]
    for other in others:
        other.start()
    assert_identical(run_small(scheme, **CACHED), alone)
    for other in others:
        other.join()
    assert [other.exitcode for other in others] == [0, 0]
    assert_identical(run_small(scheme, **CACHED), alone)


def test_a_clock_that_jumps_backwards_changes_nothing(
    tmp_path: Path, run_small: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme: dict[str, Any] = {"name": "federated"}
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache"))
    first = run_small(scheme, **CACHED)
    hours = iter(range(10**6))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600.0 * next(hours))
    again, anew = run_small(scheme, **CACHED), run_small({**scheme, "rounds": 3}, **CACHED)
    assert_identical(again, first)
    assert again.runtime.jobs_run == 0
    assert anew.observer.rows[: len(first.observer.rows) - 1] == first.observer.rows[:-1]


def kept_in(folder: Path) -> int:
    return len(list(folder.rglob("*.safetensors")))


def kill_after(folder: Path, files: int, later_s: float, act: Callable[[], object]) -> None:
    """Let a forked child ``act``, and kill it so long after it has kept so many files, or has ended.

    By what it has done, not by the time: a run that shares the machine may take much longer than another.
    """
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    while kept_in(folder) < files and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.001)
    time.sleep(later_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
