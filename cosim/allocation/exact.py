"""The exact optimum of a delay problem, over all users and many drops at once: no solver, but Newton and one root.

All users finish together at the optimum, so that the duration of a round tau fixes every band by way of Lambert's W,
and tau itself is the one at which the bands fill what there is. Of eta the delay is convex in (ln T, ln(1 - eta),
ln b), so that the sign of its slope leads to the one minimum. Derived for this project, and checked against ``conic``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize.elementwise import bracket_root, find_root
from scipy.special import expit

from channel_models.rates import Shannon
from cosim.allocation.band import band_for
from cosim.allocation.problem import Allocation, Array, DelayProblem
from cosim.allocation.shared import Shared
from cosim.allocation.two_bands import share_two_bands

FILLED = 1e-12
"""The bands of a drop sum to what there is within this part of it."""
_FIRST_BRACKET = 3.0  # logit of eta: between 5 and 95 %
_LEAST_STEP = {"xatol": 1e-8, "xrtol": 0.0, "fatol": 0.0, "frtol": 0.0}  # of the logit; T errs by its square
_STEPS = 100
_ROUNDING = 4.0 * np.finfo(float).eps  # nearer than this no duration can be told from its neighbours


class NoOptimum(ValueError):  # noqa: N818 - reads as what happened
    """The delay has no least value between eta = 0 and 1."""


def optimum(problem: DelayProblem) -> Allocation:
    """The local accuracy and the bands at which T is least, in each drop.

    Raises NoOptimum where T falls up to eta = 1: nothing is sent that does not become less with the iterations.
    """
    drops = problem.drops()
    search = _Search(drops)
    every = np.arange(len(drops.compute_s))
    start = np.full(len(every), _FIRST_BRACKET)
    with np.errstate(all="ignore"):  # far out, where a bracket that is not there is looked for
        bracket = bracket_root(search.slope, -start, start, args=(every,))
        found = find_root(search.slope, bracket.bracket, args=(every,), tolerances=_LEAST_STEP)
    if not np.all(bracket.success & found.success):
        worst = int(np.argmin(bracket.success & found.success))
        raise NoOptimum(f"drop {worst}: the delay falls up to eta = 1; expected adapter_bits above 0")
    return at(problem, expit(found.x).reshape(problem.shape[:-1]))


def at(problem: DelayProblem, eta: Array | float) -> Allocation:
    """The bands at which T is least for a given local accuracy (...), in each drop."""
    drops, leading = problem.drops(), problem.shape[:-1]
    each = np.broadcast_to(np.asarray(eta, dtype=float), leading).reshape(-1, 1)
    shared = share(drops, each)
    federated = shared.federated_band_hz
    return Allocation(
        eta=each.reshape(leading),
        round_s=shared.round_s.reshape(leading),
        total_s=drops.total_s(each[:, 0], shared.round_s).reshape(leading),
        band_hz=shared.band_hz.reshape(problem.shape),
        federated_band_hz=None if federated is None else federated.reshape(problem.shape),
    )


def share(drops: DelayProblem, eta: Array, guess_s: Array | None = None) -> Shared:
    """The least duration of a round at eta (drops, 1); ``guess_s`` (drops,) is where to begin."""
    if drops.federated_bandwidth_hz is not None:
        return share_two_bands(drops, eta)
    activations, more = drops.activations(eta)
    bits, compute_s = drops.adapter_bits + activations, drops.iterations(eta) * drops.compute_s
    shared = _share_band(drops.bandwidth_hz, drops.carrier_to_noise_hz, bits, compute_s, guess_s)
    slower = drops.learning.iterations_slope(eta) * drops.compute_s + shared.sending_s * more / bits
    slope = np.sum(shared.price * slower, axis=1) / np.sum(shared.price, axis=1)
    return Shared(round_s=shared.round_s, slope=slope, band_hz=shared.band_hz)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Filled:
    """A band that is filled: what users hold, for how long they send, and what a second less would cost in hertz."""

    round_s: Array
    band_hz: Array
    sending_s: Array
    price: Array


def _share_band(total_hz: float, c_hz: Array, bits: Array, compute_s: Array, guess_s: Array | None) -> _Filled:
    """Newton on 1 / sum b, which is nearly straight in tau, kept between two durations that are surely too little and
    enough."""
    users = bits.shape[1]
    least = np.max(compute_s + bits / _rate_bps(total_hz, c_hz), axis=1)
    most = np.max(compute_s + bits / _rate_bps(total_hz / users, c_hz), axis=1)
    tau = most if guess_s is None else np.clip(guess_s, least, most)
    for _ in range(_STEPS):
        sending = tau[:, None] - compute_s
        band = band_for(bits / sending, c_hz)
        price = band.growth * bits / sending**2
        filled = np.sum(band.hz, axis=1) / total_hz
        least, most = np.where(filled > 1.0, tau, least), np.where(filled < 1.0, tau, most)
        newton = tau + filled * (filled - 1.0) * total_hz / np.sum(price, axis=1)
        done = (np.abs(filled - 1.0) < FILLED) | (np.abs(newton - tau) <= _ROUNDING * tau)
        if done.all():
            break
        inside = (newton >= least) & (newton <= most)
        tau = np.where(done, tau, np.where(inside, newton, (least + most) / 2.0))
    return _Filled(round_s=tau, band_hz=band.hz, sending_s=sending, price=price)


def _rate_bps(band: float, c_hz: Array) -> Array:
    return Shannon().bps(band, c_hz / band)


class _Search:
    """The slope of T over the logit of eta, from wherever the search looks, with what it found there before."""

    def __init__(self, drops: DelayProblem) -> None:
        self._drops = drops
        self._round_s: Array | None = None

    def slope(self, logit: Array, which: NDArray[np.int64]) -> Array:
        """In proportion to dT / d eta, for each of those drops."""
        eta = expit(logit)
        guess_s = None if self._round_s is None else self._round_s[which]
        shared = share(self._drops.of(which), eta[:, None], guess_s)
        if self._round_s is None:
            self._round_s = np.array(shared.round_s)
        self._round_s[which] = shared.round_s
        slope: Array = 1.0 + (1.0 - eta) * shared.slope / shared.round_s
        return slope
