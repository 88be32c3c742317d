"""Block descent: subchannels and powers for a split and rank, split and rank for those rates, until nothing improves.

Blocks that are ``Held`` stay as they were drawn: what the optimum is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.allocation.problem import Array
from cosim.allocation.sfllm.delay import bps, by_client, forward_s, totals_s
from cosim.allocation.sfllm.power import earliest
from cosim.allocation.sfllm.problem import Decision, Grant, Indices, SplitProblem, Uplink
from cosim.allocation.sfllm.subchannels import greedy

_LEAST_GAIN = 1e-12  # relative: what is less is rounding
_MOST_ROUNDS = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldUplink:
    """What of an uplink is given: owners (..., M), and the weights (..., M) by which all the power is divided."""

    owner: Indices | None = None
    power_weights: Array | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """What is given, not chosen: split and rank (...) by their places in ``Work``, and what is given of the uplinks."""

    split: Indices | None = None
    rank: Indices | None = None
    main: HeldUplink = HeldUplink()
    federated: HeldUplink = HeldUplink()


@dataclass(frozen=True, kw_only=True, eq=False)
class Descent:
    """The best decision of each drop, and T (rounds, ...) of the best so far after each round of the descent."""

    best: Decision
    history_s: Array


def optimum(problem: SplitProblem, held: Held | None = None) -> Decision:
    """The best of the descents from the first, the middle and the last split.

    What of it is ``held`` stays. The delay is nearly straight in the split, so that a descent may stay at an end.
    """
    splits = problem.work.shape[0]
    best = descend(problem, held, start=splits // 2).best
    for start in {0, splits - 1}:
        found = descend(problem, held, start=start).best
        best = found.where(found.total_s < best.total_s, best)
    return best


def descend(problem: SplitProblem, held: Held | None = None, start: int = 0) -> Descent:
    """Block descent from the ``start``-th split and the middle rank, or from those that are held."""
    held = held or Held()
    split = np.full(problem.drops, start) if held.split is None else held.split
    rank = np.full(problem.drops, problem.work.shape[1] // 2) if held.rank is None else held.rank
    best = _decided(problem, held, *_grants(problem, held, split, rank, None))
    history = [best.total_s]
    for _ in range(_MOST_ROUNDS):
        found = best
        for kept in (None, best):  # owners anew, or as they are: greedy ones may be worse
            proposed = _decided(problem, held, *_grants(problem, held, best.split, best.rank, kept))
            found = proposed.where(proposed.total_s < found.total_s * (1.0 - _LEAST_GAIN), found)
        if np.array_equal(found.total_s, best.total_s):
            break
        best = found
        history.append(best.total_s)
    return Descent(best=best, history_s=np.stack(history))


def _grants(
    problem: SplitProblem, held: Held, split: Indices, rank: Indices, kept: Decision | None
) -> tuple[Grant, Grant]:
    """Owners, unless they are ``kept``, and powers for both uplinks at that split and rank (...)."""
    busy_s = forward_s(problem, split, rank)
    nothing = np.zeros_like(busy_s)
    bits = problem.work.activation_bits[split, rank][..., None], problem.work.adapter_bits[split, rank][..., None]
    speed = problem.client_flops_per_s
    owners = (None, None) if kept is None else (kept.main.owner, kept.federated.owner)
    return (
        _grant(problem.main, held.main, owners[0], speed, bits[0], busy_s),
        _grant(problem.federated, held.federated, owners[1], speed, bits[1], nothing),
    )


def _grant(uplink: Uplink, held: HeldUplink, owner: Indices | None, speed: Array, bits: Array, busy_s: Array) -> Grant:
    owner = held.owner if owner is None else owner
    owner = greedy(uplink, speed, bits, busy_s) if owner is None else owner
    if held.power_weights is not None:
        return divided(uplink, owner, held.power_weights)
    return earliest(uplink, owner, bits, busy_s)[0]


def divided(uplink: Uplink, owner: Indices, weights: Array) -> Grant:
    """All the power, divided by weights (..., M) among the subchannels, or what their owners' caps leave of it."""
    power = uplink.total_power_w * weights / np.sum(weights, axis=-1, keepdims=True)
    spent = by_client(power, owner, uplink.gain_to_noise_hz_per_w.shape[-2])
    allowed = np.minimum(1.0, uplink.client_power_w / spent)
    return Grant(owner=owner, power_w=power * np.take_along_axis(allowed, owner, axis=-1))


def _decided(problem: SplitProblem, held: Held, main: Grant, federated: Grant) -> Decision:
    """The best split and rank with these grants, of those that are not held."""
    totals = totals_s(problem, bps(problem.main, main), bps(problem.federated, federated))
    splits, ranks = problem.work.shape
    for given, places in ((held.split, np.arange(splits)[:, None]), (held.rank, np.arange(ranks))):
        if given is not None:
            totals = np.where(places == given[..., None, None], totals, np.inf)
    place = np.argmin(totals.reshape(*problem.drops, -1), axis=-1)
    return Decision(
        split=place // ranks,
        rank=place % ranks,
        main=main,
        federated=federated,
        total_s=np.min(totals, axis=(-2, -1)),
    )
