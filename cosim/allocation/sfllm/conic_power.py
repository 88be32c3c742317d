"""The same powers from a conic solver: the reference that ``power`` is checked against.

With th the bits a second and hertz of a subchannel of width W, its power W (2^th - 1) N0 / g is convex, and so is all
else. Each th is written beside that of given powers, and rates, powers and times in units of what they are there, so
that the solver sees moderate numbers: first of an even density, then once more of what was found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import cvxpy
import numpy as np

from cosim.allocation.conic import solve
from cosim.allocation.problem import Array
from cosim.allocation.sfllm.delay import of_owners
from cosim.allocation.sfllm.problem import Grant, Indices, Uplink

_PASSES = 2


def earliest(uplink: Uplink, owner: Indices, bits: Array, busy_s: Array) -> tuple[Grant, float]:
    """See ``power.earliest``, for one drop: ``owner`` (M,), ``bits`` and ``busy_s`` (K,).

    Raises SolverFailed if the solver does.
    """
    power_w = uplink.total_power_w * uplink.width_hz / np.sum(uplink.width_hz)
    for _ in range(_PASSES):
        power_w, t1_s = _near(uplink, owner, bits, busy_s, power_w)
    return Grant(owner=owner, power_w=power_w), t1_s


def _near(uplink: Uplink, owner: Indices, bits: Array, busy_s: Array, power_w: Array) -> tuple[Array, float]:
    """The optimum, in units of what powers (M,) near it come to."""
    own = owner == np.arange(len(busy_s))[:, None]  # (K, M)
    watt_of_snr = uplink.width_hz / of_owners(uplink, owner)  # for an SNR of one
    nats = np.log1p(power_w / watt_of_snr)
    rate = np.sum(own * uplink.width_hz * nats, axis=1)
    last_s = float(np.max(busy_s))
    each_s = math.log(2.0) * bits / rate
    unit_s = float(np.max(busy_s + each_s)) - last_s
    program = _program(*own.shape)
    program.carried.value = own * uplink.width_hz / rate[:, None]
    program.each.value = each_s / unit_s
    program.ahead.value = (last_s - busy_s) / unit_s
    program.lowest.value = -nats
    program.power.value = (watt_of_snr + power_w) / uplink.total_power_w
    program.power_of.value = own * program.power.value
    # a subchannel's W N0 / g 2^th is more than its power by what that is at th = 0
    program.spare.value = (uplink.client_power_w + np.sum(own * watt_of_snr, axis=1)) / uplink.total_power_w
    program.total.value = 1.0 + float(np.sum(watt_of_snr)) / uplink.total_power_w
    solve(program.problem)
    beyond = np.maximum(np.asarray(program.beyond.value), -nats)
    return watt_of_snr * np.expm1(nats + beyond), last_s + float(program.t1.value) * unit_s


@dataclass(frozen=True, kw_only=True)
class _Program:
    """A compiled program for so many clients and subchannels; ``beyond`` are nats above the given ones."""

    problem: Any
    t1: Any
    beyond: Any
    carried: Any
    each: Any
    ahead: Any
    lowest: Any
    power: Any
    power_of: Any
    spare: Any
    total: Any


@cache
def _program(clients: int, subchannels: int) -> _Program:
    """Compiled once: all that differs from drop to drop are parameters."""
    t1, beyond, growth = cvxpy.Variable(), cvxpy.Variable(subchannels), cvxpy.Variable(subchannels)
    sending = cvxpy.Variable(clients, nonneg=True)
    carried = cvxpy.Parameter((clients, subchannels), nonneg=True)
    each, ahead = cvxpy.Parameter(clients, nonneg=True), cvxpy.Parameter(clients, nonneg=True)
    lowest = cvxpy.Parameter(subchannels)
    power, power_of = cvxpy.Parameter(subchannels, nonneg=True), cvxpy.Parameter((clients, subchannels), nonneg=True)
    spare, total = cvxpy.Parameter(clients, nonneg=True), cvxpy.Parameter(nonneg=True)
    constraints = [
        1.0 + carried @ beyond >= cvxpy.inv_pos(sending),
        cvxpy.multiply(each, sending) <= t1 + ahead,
        beyond >= lowest,
        cvxpy.exp(beyond) <= growth,
        power_of @ growth <= spare,
        power @ growth <= total,
    ]
    return _Program(
        problem=cvxpy.Problem(cvxpy.Minimize(t1), constraints),
        t1=t1,
        beyond=beyond,
        carried=carried,
        each=each,
        ahead=ahead,
        lowest=lowest,
        power=power,
        power_of=power_of,
        spare=spare,
        total=total,
    )
