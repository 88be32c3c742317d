"""The best local accuracy, given what a round comes to at each.

The least delay is convex in (ln T, ln(1 - eta), ln b), and so is that of any given bands: the sign of its slope leads
to the one minimum. Whole subchannels change hands as eta changes, so that the delay jumps: it is looked for on a grid
that grows finer around the least that was found.
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
_LEAST_STEP = 1e-8  # of the logit; T errs by its square
_FARTHEST = 12.0  # logit of eta: between 6 in a million and all but that
_GRID = np.linspace(-1.0, 1.0, 97)
_FINER = np.linspace(-1.0, 1.0, 9)


class NoOptimum(ValueError):  # noqa: N818 - reads as what happened
    """The delay has no least value between eta = 0 and 1."""


class Sharing(Protocol):
    """How the bands of a round are shared."""

    def at(self, drops: DelayProblem, eta: Array, which: NDArray[np.int64], hint: Array | None) -> Shared:
        """Duration and bands at eta (m, 1), in those m drops that are ``which`` of all; ``hint`` (m,) is of another."""
        ...


def least(
    problem: DelayProblem, sharing: Sharing, eta: Array | float | None = None, *, jumps: bool = False
) -> Allocation:
    """The allocation at the local accuracy ``eta`` (...), or at the one at which T is least, in each drop.

    Where T ``jumps`` with eta, it is the least of many points, and between them there may be less. Raises NoOptimum
    where T falls up to eta = 1: nothing is sent that does not become less with the iterations.
    """
    drops, leading = problem.drops(), problem.shape[:-1]
    every = np.arange(len(drops.compute_s))
    search = _by_grid if jumps else _by_slope
    best, hint = search(drops, sharing, every) if eta is None else (np.asarray(eta, dtype=float), None)
    each = np.broadcast_to(best, every.shape if eta is None else leading).reshape(-1, 1)
    shared = sharing.at(drops, each, every, hint)

    def of_users(values: Array | None) -> Array | None:
        return None if values is None else values.reshape(problem.shape)

    return Allocation(
        eta=each.reshape(leading),
        round_s=shared.round_s.reshape(leading),
        total_s=drops.total_s(each[:, 0], shared.round_s).reshape(leading),
        band_hz=shared.band_hz.reshape(problem.shape),
        federated_band_hz=of_users(shared.federated_band_hz),
        power_share=of_users(shared.power_share),
        federated_power_share=of_users(shared.federated_power_share),
    )


def _by_slope(drops: DelayProblem, sharing: Sharing, every: NDArray[np.int64]) -> tuple[Array, Array | None]:
    """Of each drop, with the hint that was left there."""
    tolerances = {"xatol": _LEAST_STEP, "xrtol": 0.0, "fatol": 0.0, "frtol": 0.0}
    search, start = _Search(drops, sharing), np.full(len(every), _FIRST_BRACKET)
    with np.errstate(all="ignore"):  # far out, where a bracket that is not there is looked for
        bracket = bracket_root(search.slope, -start, start, args=(every,))
        found = find_root(search.slope, bracket.bracket, args=(every,), tolerances=tolerances)
    if not np.all(bracket.success & found.success):
        raise _falling(int(np.argmin(bracket.success & found.success)))
    return expit(found.x), search.hint


def _by_grid(drops: DelayProblem, sharing: Sharing, every: NDArray[np.int64]) -> tuple[Array, Array | None]:
    """The same from values alone; a finer grid has the best point of the one before in its middle."""
    best = _best_of(drops, sharing, np.broadcast_to(_FARTHEST * _GRID, (len(every), len(_GRID))))
    if (best == _FARTHEST).any():
        raise _falling(int(np.argmax(best)))
    step = _FARTHEST * (_GRID[1] - _GRID[0])
    while step > _LEAST_STEP:
        best = _best_of(drops, sharing, best[:, None] + step * _FINER)
        step *= _FINER[1] - _FINER[0]
    return expit(best), None


def _best_of(drops: DelayProblem, sharing: Sharing, logits: Array) -> Array:
    """Of those (drops, n) the one (drops,) at which T is least."""
    which = np.repeat(np.arange(len(logits)), logits.shape[1])
    eta = expit(logits.reshape(-1, 1))
    total_s = drops.total_s(eta[:, 0], sharing.at(drops.of(which), eta, which, None).round_s)
    best = np.argmin(total_s.reshape(logits.shape), axis=1)[:, None]
    of_drops: Array = np.take_along_axis(logits, best, axis=1)[:, 0]
    return of_drops


def _falling(drop: int) -> NoOptimum:
    return NoOptimum(f"drop {drop}: the delay falls up to eta = 1; expected adapter_bits above 0")


class _Search:
    """The slope of T over the logit of eta, from wherever the search looks, with what it found there before."""

    def __init__(self, drops: DelayProblem, sharing: Sharing) -> None:
        self._drops = drops
        self._sharing = sharing
        self.hint: Array | None = None

    def slope(self, logit: Array, which: NDArray[np.int64]) -> Array:
        """In proportion to dT / d eta, for each of those drops."""
        eta = expit(logit)
        hint = None if self.hint is None else self.hint[which]
        shared = self._sharing.at(self._drops.of(which), eta[:, None], which, hint)
        if shared.hint is not None:
            self.hint = np.array(shared.hint) if self.hint is None else self.hint
            self.hint[which] = shared.hint
        assert shared.slope is not None  # else it jumps
        slope: Array = 1.0 + (1.0 - eta) * shared.slope / shared.round_s
        return slope
