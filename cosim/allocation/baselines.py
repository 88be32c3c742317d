"""What the optimum is compared with: bands or local accuracies that nobody has chosen well.

Sources: the schemes EB, FE, BA, RB and TDMA of the figures in Yang et al. (arXiv 2007.03462), by whose side FedsLLM
(arXiv 2407.09250) stands. The papers' texts fix some local accuracies that their figures' code chooses otherwise, so
that each is an option here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from channel_models.randomness import Stream
from cosim.allocation.band import rate_bps
from cosim.allocation.local_accuracy import least
from cosim.allocation.problem import Allocation, Array, DelayProblem
from cosim.allocation.shared import Shared


def of_bands(problem: DelayProblem, shares: Array, eta: float | None = None) -> Allocation:
    """Bands that are ``shares`` (..., K) of what there is; the local accuracy is the best for them unless it is given.

    ValueError with two bands: what is compared there is the optimum of one.
    """
    _one_band(problem)
    shares = np.broadcast_to(shares, problem.shape).reshape(-1, problem.users)
    return least(problem, _AsGiven(shares), eta)


def equal(problem: DelayProblem, eta: float | None = None) -> Allocation:
    """The same band for everybody (EB; with a given ``eta`` BA, of which nothing is optimised)."""
    return of_bands(problem, np.full(problem.users, 1.0 / problem.users), eta)


def random(problem: DelayProblem, seed: int, eta: float | None = None) -> Allocation:
    """Bands in proportion to uniform draws (RB)."""
    draws = Stream(seed, "random bands").uniform(np.arange(math.prod(problem.shape)), 0).reshape(problem.shape)
    return of_bands(problem, draws / draws.sum(axis=-1, keepdims=True), eta)


def tdma(problem: DelayProblem, eta: float | None = None) -> Allocation:
    """Users in turn over the whole band, once all have computed; ``band_hz`` is the whole for everybody."""
    _one_band(problem)
    return least(problem, _InTurn(), eta)


def _one_band(problem: DelayProblem) -> None:
    if problem.federated_bandwidth_hz is not None:
        raise ValueError("federated_bandwidth_hz: baselines are of one band; expected None")


@dataclass(frozen=True, eq=False)
class _AsGiven:
    """Bands that are these shares (drops, K) of what there is."""

    shares: Array

    def at(self, drops: DelayProblem, eta: Array, which: NDArray[np.int64], guess_s: Array | None) -> Shared:
        """See ``Sharing``; the slowest user is waited for."""
        band_hz = self.shares[which] * drops.bandwidth_hz
        finish_s, later = _finish(drops, eta, band_hz)
        slowest = np.argmax(finish_s, axis=1)[:, None]
        return Shared(
            round_s=np.take_along_axis(finish_s, slowest, axis=1)[:, 0],
            slope=np.take_along_axis(later, slowest, axis=1)[:, 0],
            band_hz=band_hz,
        )


class _InTurn:
    """All send one after another, after the slowest computation."""

    def at(self, drops: DelayProblem, eta: Array, which: NDArray[np.int64], guess_s: Array | None) -> Shared:
        """See ``Sharing``."""
        activations, more = drops.activations(eta)
        bps = rate_bps(drops.bandwidth_hz, drops.carrier_to_noise_hz)
        slowest_s = np.max(drops.compute_s, axis=1)
        sending_s = np.sum((drops.adapter_bits + activations) / bps, axis=1)
        return Shared(
            round_s=drops.iterations(eta)[:, 0] * slowest_s + sending_s,
            slope=np.asarray(drops.learning.iterations_slope(eta))[:, 0] * slowest_s + np.sum(more / bps, axis=1),
            band_hz=np.full(drops.compute_s.shape, drops.bandwidth_hz),
        )


def _finish(drops: DelayProblem, eta: Array, band_hz: Array) -> tuple[Array, Array]:
    """When each user is done, and how that changes with eta."""
    activations, more = drops.activations(eta)
    bps = rate_bps(band_hz, drops.carrier_to_noise_hz)
    finish_s = drops.iterations(eta) * drops.compute_s + (drops.adapter_bits + activations) / bps
    return finish_s, drops.learning.iterations_slope(eta) * drops.compute_s + more / bps
