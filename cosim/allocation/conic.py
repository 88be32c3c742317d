"""The same optimum from a conic solver: the reference that ``exact`` is checked against.

Of t b log2(1 + c / b) >= S the perspective -rel_entr(b, b + c) >= ln2 S / t is convex in (b, t). In units of its own
each constraint is of moderate numbers, without which c / b reaches 1e11 and the solver fails.
"""

from __future__ import annotations

import math
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import cvxpy
import numpy as np
from scipy.optimize import minimize_scalar

from cosim.allocation.band import rate_bps
from cosim.allocation.problem import Allocation, Array, DelayProblem

_ETA_BOUNDS = (1e-3, 1.0 - 1e-3)
_ETA_TOLERANCE = 1e-6  # T errs by its square
_TOLERANCES = (1e-9, 1e-8, 1e-7)  # of the solver, in units in which all numbers are moderate; tried in turn
_TIME_UNITS = np.array([1.0, 10.0, 0.1, 3.0, 0.3])  # of what users take in equal bands; tried in turn


class SolverFailed(RuntimeError):  # noqa: N818 - reads as what happened
    """The conic solver found no optimum to its tolerance."""


def optimum(problem: DelayProblem) -> Allocation:
    """The local accuracy and bands at which T is least, of one drop: arrays (K,).

    Raises SolverFailed if the solver does.
    """
    found = minimize_scalar(
        lambda eta: float(at(problem, eta).total_s),
        bounds=_ETA_BOUNDS,
        method="bounded",
        options={"xatol": _ETA_TOLERANCE},
    )
    return at(problem, float(found.x))


def at(problem: DelayProblem, eta: float) -> Allocation:
    """The bands at which T is least for a given local accuracy.

    Raises SolverFailed if the solver does.
    """
    drop, each = problem.drops(), np.full((1, 1), eta)
    compute_s = (drop.iterations(each) * drop.compute_s)[0]
    activations, _ = drop.activations(each)
    if drop.federated_bandwidth_hz is None:
        bits, bands_hz = drop.adapter_bits + activations, [drop.bandwidth_hz]
    else:
        bits, bands_hz = (
            np.concatenate([activations, drop.adapter_bits]),
            [drop.bandwidth_hz, drop.federated_bandwidth_hz],
        )
    round_s, bands = _solve(drop.carrier_to_noise_hz[0], bits, compute_s, np.array(bands_hz))
    return Allocation(
        eta=each[0, 0],
        round_s=np.asarray(round_s),
        total_s=drop.total_s(each[0, 0], np.asarray(round_s)),
        band_hz=bands[0],
        federated_band_hz=bands[1] if len(bands_hz) > 1 else None,
    )


def _solve(c_hz: Array, bits: Array, compute_s: Array, bands_hz: Array) -> tuple[float, Array]:
    """The least duration of a round, and the bands (sides, K) for bits (sides, K).

    Where the solver gets stuck it may find its way with another unit of time.
    """
    program = _program(*bits.shape)
    unit_hz = bands_hz[:, None] / len(c_hz)
    relative = c_hz / unit_hz  # (sides, K)
    each_s = bits / rate_bps(unit_hz, c_hz)
    program.log_sum.value = np.log1p(relative)
    program.inverse_sum.value = 1.0 / (1.0 + relative)
    program.share.value = relative / (1.0 + relative)
    for unit_s in float(np.median(np.sum(each_s, axis=0))) * _TIME_UNITS:
        program.needed.value = math.log(2.0) * bits / (unit_hz * unit_s)
        program.compute.value = compute_s / unit_s
        with suppress(SolverFailed):
            solve(program.problem)
            return float(program.tau.value) * unit_s, np.asarray(program.band.value) * unit_hz
    raise SolverFailed(f"no optimum to {_TOLERANCES[-1]} in any of {len(_TIME_UNITS)} units of time")


def solve(problem: Any) -> None:
    """Solve a cvxpy problem whose numbers are moderate, as accurately as the solver can.

    Raises SolverFailed if it finds no optimum.
    """
    if not any(_solved(problem, tolerance) for tolerance in _TOLERANCES):
        raise SolverFailed(f"no optimum to {_TOLERANCES[-1]}, but {problem.status}")


def _solved(problem: Any, tolerance: float) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of inaccuracy, which the status tells too
        try:
            problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=tolerance, tol_gap_rel=tolerance, tol_feas=tolerance)
        except cvxpy.SolverError:
            return False
    return bool(problem.status == cvxpy.OPTIMAL)


@dataclass(frozen=True, kw_only=True)
class _Program:
    """A compiled program for so many sides and users; bands in units of equal shares, times in a unit of their own."""

    problem: Any
    tau: Any
    band: Any
    log_sum: Any
    inverse_sum: Any
    share: Any
    needed: Any
    compute: Any


@cache
def _program(sides: int, users: int) -> _Program:
    """Compiled once: all that differs from drop to drop are parameters."""
    tau, band = cvxpy.Variable(), cvxpy.Variable((sides, users), nonneg=True)
    sending = cvxpy.Variable((sides, users), nonneg=True)
    log_sum, needed = cvxpy.Parameter((sides, users), nonneg=True), cvxpy.Parameter((sides, users), nonneg=True)
    inverse_sum, share = cvxpy.Parameter((sides, users), nonneg=True), cvxpy.Parameter((sides, users), nonneg=True)
    compute = cvxpy.Parameter(users, nonneg=True)
    reached = -cvxpy.rel_entr(band, cvxpy.multiply(inverse_sum, band) + share) + cvxpy.multiply(log_sum, band)
    constraints = [
        reached >= cvxpy.multiply(needed, cvxpy.inv_pos(sending)),
        cvxpy.sum(sending, axis=0) + compute <= tau,
        cvxpy.sum(band, axis=1) <= users,
    ]
    return _Program(
        problem=cvxpy.Problem(cvxpy.Minimize(tau), constraints),
        tau=tau,
        band=band,
        log_sum=log_sum,
        inverse_sum=inverse_sum,
        share=share,
        needed=needed,
        compute=compute,
    )
