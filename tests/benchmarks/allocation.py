"""The exact delay-optimal allocation against a conic solver's."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from cosim.allocation import conic
from cosim.allocation.exact import optimum
from cosim.allocation.problem import DelayProblem
from cosim.reproduce.fedsllm import PAPER, Setting, draw
from tests.benchmarks.measuring import Measured, seconds

DROPS = 100
CONIC_DROPS = 3
MILLION = 1_000_000
SIZES = (10, 100, 1_000, 10_000, 100_000)


def against_conic() -> list[Measured]:
    """Per drop of 50 users, alone and all drops at once; CPU time, after one of each that does not count."""
    problem = draw(PAPER, DROPS, seed=0)
    single = [problem.of(np.array([drop])) for drop in range(CONIC_DROPS)]
    optimum(single[0]), _conic(single[0])
    conic_s = [seconds(lambda each=each: _conic(each)) for each in single]  # type: ignore[misc]
    alone_s = [seconds(lambda each=each: optimum(each)) for each in single]  # type: ignore[misc]
    batched_s = seconds(lambda: optimum(problem)) / DROPS
    alone = float(np.median(np.array(conic_s) / alone_s))
    what = "a drop of 50 users, exact optimum against a conic solver's, CPU time"
    return [
        Measured(f"{what}: alone", f"{alone:.0f} times as fast ({1e3 * np.median(alone_s):.0f} ms)", "10"),
        Measured(
            f"{what}: {DROPS} drops at once",
            f"{float(np.median(conic_s)) / batched_s:.0f} times as fast ({1e3 * batched_s:.2f} ms)",
            "100",
        ),
    ]


def _conic(problem: DelayProblem) -> None:
    with suppress(conic.SolverFailed):  # it has taken its time all the same
        conic.optimum(problem)


def a_million_users() -> Measured:
    """One instance, wall time, with how the cost grows with the number of users."""
    growth = []
    for users in (*SIZES, MILLION):
        problem = draw(_of(users), 1, seed=0)
        growth.append(seconds(lambda problem=problem: optimum(problem), time.perf_counter))  # type: ignore[misc]
    said = ", ".join(f"{users:,}: {took:.3g} s" for users, took in zip((*SIZES, MILLION), growth, strict=True))
    return Measured("exact optimum of 1,000,000 users, wall time", f"{growth[-1]:.1f} s ({said})", "10 s")


def _of(users: int) -> Setting:
    """So many users, with as much band for each."""
    return replace(PAPER, users=users, of_weakest=users, bandwidth_hz=PAPER.bandwidth_hz * users / PAPER.users)


def rows() -> Sequence[Callable[[], Measured | list[Measured]]]:
    """All of this file."""
    return [against_conic, a_million_users]
