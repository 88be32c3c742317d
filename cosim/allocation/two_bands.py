"""Two servers with a band each: the main server's for activations, the federated server's for adapters.

One price ratio mu between the bands holds for all users: each shares its time between both so that a second less costs
as much here as there. What is left are the duration of a round tau and mu, at which both bands are filled: Newton in
(ln(tau - floor), ln mu), damped, and for each user's share of time within.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from cosim.allocation.band import Band, band_for, rate_bps
from cosim.allocation.problem import Array, DelayProblem
from cosim.allocation.shared import Shared

_FILLED = 1e-11  # the bands of a drop sum to what there is within this part of them
_SETTLED = 1e-7  # the last step of Newton for the logit of a share of time: the next would be its square
_FARTHEST = 40.0  # logits between which shares lie: beyond, floats cannot tell them from all or nothing
_STEPS = 200
_HALVINGS = 30


def share_two_bands(drops: DelayProblem, eta: Array) -> Shared:
    """The least duration of a round at eta (drops, 1)."""
    activations, more = drops.activations(eta)
    task = _Task(
        c_hz=drops.carrier_to_noise_hz,
        bits=np.stack([activations, drops.adapter_bits]),
        compute_s=drops.iterations(eta) * drops.compute_s,
        bands_hz=np.array([drops.bandwidth_hz, drops.federated_bandwidth_hz]),
    )
    x, log_mu = task.start()
    sides = task.sides(x, log_mu)
    for _ in range(_STEPS):
        if np.all(np.abs(sides.overfilled) < _FILLED):
            break
        x, log_mu, sides = _damped(task, x, log_mu, sides)
    cost = sides.effort * np.stack([np.ones_like(log_mu), np.exp(log_mu)])[..., None] / sides.time_s
    slower = drops.learning.iterations_slope(eta) * drops.compute_s
    later = np.stack([slower + sides.time_s * more / activations, np.broadcast_to(slower, more.shape)])
    slope = np.sum(cost * later, axis=(0, 2)) / np.sum(cost, axis=(0, 2))
    main, federated = (band.hz for band in sides.bands)
    return Shared(round_s=task.floor_s + np.exp(x), slope=slope, band_hz=main, federated_band_hz=federated)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sides:
    """What users hold on both sides, and how that follows tau and mu."""

    bands: tuple[Band, Band]
    effort: Array  # (2, drops, K): hertz for a relative change of the rate
    time_s: Array  # (drops, K): for sending, on both sides together
    overfilled: Array  # (2, drops): logarithm of what is held over what there is
    jacobian: Array  # (drops, 2, 2): of that, by ln(tau - floor) and ln mu


@dataclass(frozen=True, kw_only=True, eq=False)
class _Task:
    """One round: bits of both sides (2, drops, K), the users' channels and computing times (drops, K)."""

    c_hz: Array
    bits: Array
    compute_s: Array
    bands_hz: Array

    @cached_property
    def needed_s(self) -> Array:
        """Time (2, drops, K) that the bits would take in an infinite band."""
        needed: Array = self.bits * math.log(2.0) / self.c_hz
        return needed

    @cached_property
    def floor_s(self) -> Array:
        """What no round (drops,) is as short as."""
        floor: Array = np.max(self.compute_s + np.sum(self.needed_s, axis=0), axis=1)
        return floor

    def start(self) -> tuple[Array, Array]:
        """Where to begin: equal bands for all, both sides one after the other, and bands as dear as they are narrow."""
        each_hz = (self.bands_hz / self.bits.shape[2])[:, None, None]
        sending = np.sum(self.bits / rate_bps(each_hz, self.c_hz), axis=0)
        enough = np.max(self.compute_s + sending, axis=1)
        return np.log(enough - self.floor_s), np.full(len(enough), math.log(self.bands_hz[0] / self.bands_hz[1]))

    def sides(self, x: Array, log_mu: Array) -> _Sides:
        """Everything at tau = floor + exp(x) (drops,) and at those prices (drops,)."""
        time_s = (self.floor_s + np.exp(x))[:, None] - self.compute_s
        part = self._part(time_s, log_mu[:, None])
        bands, effort, elastic = self._held(part, time_s)
        by_part = _price_slope(part, elastic)
        with_time = np.exp(x)[:, None] / time_s  # relative change of time by x
        moves = np.stack([(elastic[0] - elastic[1]) / by_part * with_time, 1.0 / by_part])  # of the parts, by x and mu
        rates = np.stack([-moves / part, moves / (1.0 - part)])  # (2 sides, 2, drops, K)
        rates[:, 0] -= with_time
        held = np.stack([np.sum(band.hz, axis=1) for band in bands])
        jacobian = np.sum(effort[:, None] * rates, axis=3) / held[:, None]
        return _Sides(
            bands=bands,
            effort=effort,
            time_s=time_s,
            overfilled=np.log(held / self.bands_hz[:, None]),
            jacobian=np.moveaxis(jacobian, 2, 0),
        )

    def _held(self, part: Array, time_s: Array) -> tuple[tuple[Band, Band], Array, Array]:
        """Bands, efforts and elasticities when ``part`` (drops, K) of the time goes to the main server."""
        rates = self.bits / (np.stack([part, 1.0 - part]) * time_s)
        bands = band_for(rates[0], self.c_hz), band_for(rates[1], self.c_hz)
        effort = np.stack([band.growth * rate for band, rate in zip(bands, rates, strict=True)])
        return bands, effort, np.stack([band.elasticity() for band in bands])

    def _part(self, time_s: Array, log_mu: Array) -> Array:
        """The part (drops, K) of each user's time for the main server at which a second costs as much on both."""
        least = self.needed_s[0] / time_s
        width = 1.0 - (self.needed_s[0] + self.needed_s[1]) / time_s
        low, high = np.full_like(time_s, -_FARTHEST), np.full_like(time_s, _FARTHEST)
        y = np.zeros_like(time_s)
        for _ in range(_STEPS):
            within = expit(y)
            part = least + width * within
            _, effort, elastic = self._held(part, time_s)
            with np.errstate(all="ignore"):  # at the very ends effort is infinite, and halving leads away from there
                gap = np.log(effort[0] / part) - np.log(effort[1] / (1.0 - part)) - log_mu
                newton = y - gap / (_price_slope(part, elastic) * width * within * (1.0 - within))
            low, high = np.where(gap > 0.0, y, low), np.where(gap < 0.0, y, high)
            after = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2.0)
            settled, y = np.max(np.abs(after - y)) < _SETTLED, after
            if settled:
                break
        settled_part: Array = least + width * expit(y)
        return settled_part


def _price_slope(part: Array, elastic: Array) -> Array:
    """How the difference of both sides' logarithmic prices changes with the part of the main server."""
    slope: Array = -((1.0 + elastic[0]) / part + (1.0 + elastic[1]) / (1.0 - part))
    return slope


def _damped(task: _Task, x: Array, log_mu: Array, sides: _Sides) -> tuple[Array, Array, _Sides]:
    """One step of Newton for each drop, halved until it leads nearer."""
    step = np.linalg.solve(sides.jacobian, -sides.overfilled.T[..., None])[..., 0]
    error, factor = np.max(np.abs(sides.overfilled), axis=0), np.ones_like(x)
    for _ in range(_HALVINGS):
        tried_x, tried_mu = x + factor * step[:, 0], log_mu + factor * step[:, 1]
        tried = task.sides(tried_x, tried_mu)
        nearer = np.max(np.abs(tried.overfilled), axis=0) < error
        nearer |= error < _FILLED
        if nearer.all():
            break
        factor = np.where(nearer, factor, factor / 2.0)
    return tried_x, tried_mu, tried
