"""The exact optimum of a delay problem, over all users and many drops at once: no solver, but Newton and one root.

All users finish together at the optimum, so that the duration of a round tau fixes every band by way of Lambert's W,
and tau itself is the one at which the bands fill what there is. Derived for this project; ``conic`` checks it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.allocation.band import band_for, rate_bps
from cosim.allocation.local_accuracy import least
from cosim.allocation.problem import Allocation, Array, DelayProblem
from cosim.allocation.shared import Shared
from cosim.allocation.two_bands import share_two_bands

_FILLED = 1e-12  # the bands of a drop sum to what there is within this part of it
_STEPS = 100
_ROUNDING = 4.0 * np.finfo(float).eps  # nearer than this no duration can be told from its neighbours


def optimum(problem: DelayProblem) -> Allocation:
    """The local accuracy and the bands at which T is least, in each drop.

    Raises NoOptimum where T falls up to eta = 1: nothing is sent that does not become less with the iterations.
    """
    return least(problem, LeastDelay())


def at(problem: DelayProblem, eta: Array | float) -> Allocation:
    """The bands at which T is least for a given local accuracy (...), in each drop."""
    return least(problem, LeastDelay(), eta)


class LeastDelay:
    """Everybody has what makes all finish together."""

    def at(self, drops: DelayProblem, eta: Array, which: NDArray[np.int64], hint: Array | None) -> Shared:
        """The least duration of a round; see ``Sharing``."""
        if drops.federated_bandwidth_hz is not None:
            return share_two_bands(drops, eta)
        activations, more = drops.activations(eta)
        bits, compute_s = drops.adapter_bits + activations, drops.iterations(eta) * drops.compute_s
        shared = _share_band(drops.bandwidth_hz, drops.carrier_to_noise_hz, bits, compute_s, hint)
        slower = drops.learning.iterations_slope(eta) * drops.compute_s + shared.sending_s * more / bits
        slope = np.sum(shared.price * slower, axis=1) / np.sum(shared.price, axis=1)
        return Shared(round_s=shared.round_s, slope=slope, band_hz=shared.band_hz, hint=shared.above_floor_s)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Filled:
    """A band that is filled: what users hold, for how long they send, and what a second less would cost in hertz."""

    round_s: Array
    above_floor_s: Array
    band_hz: Array
    sending_s: Array
    price: Array


def _share_band(total_hz: float, c_hz: Array, bits: Array, compute_s: Array, hint: Array | None) -> _Filled:
    """Newton on 1 / sum b, which is nearly straight in tau, kept between two durations that are surely too little and
    enough. Where it leaves these, or comes on by less than half, as with a user so weak that hardly any band carries
    its bits in time, tau is halved in logarithms above the floor that no band leads below."""
    users, floor = bits.shape[1], np.max(compute_s + bits * (math.log(2.0) / c_hz), axis=1)
    least = np.max(compute_s + bits / rate_bps(total_hz, c_hz), axis=1)
    most = np.max(compute_s + bits / rate_bps(total_hz / users, c_hz), axis=1)
    tau = most if hint is None else np.clip(floor + hint, least, most)
    error = np.full(len(tau), np.inf)
    for _ in range(_STEPS):
        sending = tau[:, None] - compute_s
        band = band_for(bits / sending, c_hz)
        price = band.growth * bits / sending**2
        filled = np.sum(band.hz, axis=1) / total_hz
        least, most = np.where(filled > 1.0, tau, least), np.where(filled < 1.0, tau, most)
        newton = tau + filled * (filled - 1.0) * total_hz / np.sum(price, axis=1)
        done = (np.abs(filled - 1.0) < _FILLED) | (np.abs(newton - tau) <= _ROUNDING * tau)
        if done.all():
            break
        good = (newton >= least) & (newton <= most) & (np.abs(filled - 1.0) < error / 2.0)
        error = np.abs(filled - 1.0)
        if not (good | done).all():
            newton = np.where(good, newton, floor + np.sqrt((least - floor) * (most - floor)))
        tau = np.where(done, tau, newton)
    return _Filled(round_s=tau, above_floor_s=tau - floor, band_hz=band.hz, sending_s=sending, price=price)
