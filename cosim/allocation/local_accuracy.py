"""The best local accuracy, given what a round comes to at each.

The least delay is convex in (ln T, ln(1 - eta), ln b), and so is that of any given bands: the sign of its slope leads
to the one minimum.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize.elementwise import bracket_root, find_root
from scipy.special import expit

from cosim.allocation.problem import Allocation, Array, DelayProblem
from cosim.allocation.shared import Shared

_FIRST_BRACKET = 3.0  # logit of eta: between 5 and 95 %
_LEAST_STEP = {"xatol": 1e-8, "xrtol": 0.0, "fatol": 0.0, "frtol": 0.0}  # of the logit; T errs by its square


class NoOptimum(ValueError):  # noqa: N818 - reads as what happened
    """The delay has no least value between eta = 0 and 1."""


class Sharing(Protocol):
    """How the bands of a round are shared."""

    def at(self, drops: DelayProblem, eta: Array, which: NDArray[np.int64], guess_s: Array | None) -> Shared:
        """Duration and bands at eta (m, 1), in those m drops that are ``which`` of all; ``guess_s`` (m,) is near."""
        ...


def least(problem: DelayProblem, sharing: Sharing, eta: Array | float | None = None) -> Allocation:
    """The allocation at the local accuracy ``eta`` (...), or at the one at which T is least, in each drop.

    Raises NoOptimum where T falls up to eta = 1: nothing is sent that does not become less with the iterations.
    """
    drops, leading = problem.drops(), problem.shape[:-1]
    every = np.arange(len(drops.compute_s))
    best = _best(drops, sharing, every) if eta is None else np.asarray(eta, dtype=float)
    each = np.broadcast_to(best, every.shape if eta is None else leading).reshape(-1, 1)
    shared = sharing.at(drops, each, every, None)
    federated = shared.federated_band_hz
    return Allocation(
        eta=each.reshape(leading),
        round_s=shared.round_s.reshape(leading),
        total_s=drops.total_s(each[:, 0], shared.round_s).reshape(leading),
        band_hz=shared.band_hz.reshape(problem.shape),
        federated_band_hz=None if federated is None else federated.reshape(problem.shape),
    )


def _best(drops: DelayProblem, sharing: Sharing, every: NDArray[np.int64]) -> Array:
    """Of each drop."""
    search, start = _Search(drops, sharing), np.full(len(every), _FIRST_BRACKET)
    with np.errstate(all="ignore"):  # far out, where a bracket that is not there is looked for
        bracket = bracket_root(search.slope, -start, start, args=(every,))
        found = find_root(search.slope, bracket.bracket, args=(every,), tolerances=_LEAST_STEP)
    if not np.all(bracket.success & found.success):
        worst = int(np.argmin(bracket.success & found.success))
        raise NoOptimum(f"drop {worst}: the delay falls up to eta = 1; expected adapter_bits above 0")
    best: Array = expit(found.x)
    return best


class _Search:
    """The slope of T over the logit of eta, from wherever the search looks, with what it found there before."""

    def __init__(self, drops: DelayProblem, sharing: Sharing) -> None:
        self._drops = drops
        self._sharing = sharing
        self._round_s: Array | None = None

    def slope(self, logit: Array, which: NDArray[np.int64]) -> Array:
        """In proportion to dT / d eta, for each of those drops."""
        eta = expit(logit)
        guess_s = None if self._round_s is None else self._round_s[which]
        shared = self._sharing.at(self._drops.of(which), eta[:, None], which, guess_s)
        if self._round_s is None:
            self._round_s = np.array(shared.round_s)
        self._round_s[which] = shared.round_s
        slope: Array = 1.0 + (1.0 - eta) * shared.slope / shared.round_s
        return slope
