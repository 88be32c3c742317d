"""What the optimum is compared with: one decision drawn at random and the others chosen, or all of them drawn."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from channel_models.randomness import Stream
from cosim.allocation.problem import Array
from cosim.allocation.sfllm.descent import Held, HeldUplink, optimum
from cosim.allocation.sfllm.problem import Decision, Indices, SplitProblem, Uplink


def random_subchannels(problem: SplitProblem, seed: int) -> Decision:
    """Every client has one subchannel, and the others are anybody's; powers, split and rank are chosen."""
    main, federated = _owners(problem, seed)
    return optimum(problem, Held(main=HeldUplink(owner=main), federated=HeldUplink(owner=federated)))


def random_power(problem: SplitProblem, seed: int) -> Decision:
    """All the power divided in proportion to uniform draws, up to the clients' caps; the others are chosen."""
    main, federated = _weights(problem, seed)
    return optimum(problem, Held(main=HeldUplink(power_weights=main), federated=HeldUplink(power_weights=federated)))


def random_split(problem: SplitProblem, seed: int) -> Decision:
    """Any split; the others are chosen."""
    return optimum(problem, Held(split=_place(problem, seed, "split", problem.work.shape[0])))


def random_rank(problem: SplitProblem, seed: int) -> Decision:
    """Any rank; the others are chosen."""
    return optimum(problem, Held(rank=_place(problem, seed, "rank", problem.work.shape[1])))


def all_random(problem: SplitProblem, seed: int) -> Decision:
    """Nothing is chosen; the draws are those of the others."""
    (main, federated), (main_power, federated_power) = _owners(problem, seed), _weights(problem, seed)
    return optimum(problem, Held(
        split=_place(problem, seed, "split", problem.work.shape[0]),
        rank=_place(problem, seed, "rank", problem.work.shape[1]),
        main=HeldUplink(owner=main, power_weights=main_power),
        federated=HeldUplink(owner=federated, power_weights=federated_power),
    ))  # fmt: skip


BASELINES: dict[str, Callable[[SplitProblem, int], Decision]] = {
    "random subchannels": random_subchannels,
    "random power": random_power,
    "random split": random_split,
    "random rank": random_rank,
    "all random": all_random,
}


def _place(problem: SplitProblem, seed: int, what: str, count: int) -> Indices:
    """Any of ``count`` places, in each drop (...)."""
    return (_uniform(problem, seed, what, 1)[..., 0] * count).astype(np.int64)


def _weights(problem: SplitProblem, seed: int) -> tuple[Array, Array]:
    return (
        _uniform(problem, seed, "main power", len(problem.main.width_hz)),
        _uniform(problem, seed, "federated power", len(problem.federated.width_hz)),
    )


def _owners(problem: SplitProblem, seed: int) -> tuple[Indices, Indices]:
    return (
        _any_owners(problem, problem.main, seed, "main subchannels"),
        _any_owners(problem, problem.federated, seed, "federated subchannels"),
    )


def _any_owners(problem: SplitProblem, uplink: Uplink, seed: int, what: str) -> Indices:
    """Owners (..., M): the clients in the first K subchannels, anybody in the others, and then these shuffled."""
    subchannels, clients = len(uplink.width_hz), problem.clients
    anybody = (_uniform(problem, seed, what, subchannels) * clients).astype(np.int64)
    anybody[..., :clients] = np.arange(clients)
    shuffle = np.argsort(_uniform(problem, seed, f"order of {what}", subchannels), axis=-1)
    owners: Indices = np.take_along_axis(anybody, shuffle, axis=-1)
    return owners


def _uniform(problem: SplitProblem, seed: int, what: str, count: int) -> Array:
    """Draws (..., count), a drop's own whatever other drops there are."""
    drops = np.arange(math.prod(problem.drops))[:, None]
    draws = Stream(seed, f"sfllm {what}").uniform(drops, np.arange(count))
    return draws.reshape(*problem.drops, count)
