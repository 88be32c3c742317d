"""What mini-batches ask of users and servers, added up before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cosim.allocation.demand import Demand

if TYPE_CHECKING:
    from cosim.nodes import User
    from cosim.schemes.base import Scheme, Stage
    from training.steps import Batch

_BITS_A_BYTE = 8


def mean_demand(scheme: Scheme, chains: Sequence[Sequence[Stage]], indices: Sequence[int]) -> Demand:
    """The mean over the mini-batches ``indices`` of each user, which go through its chain of stages."""
    found = np.array(
        [
            np.mean([_of_batch(scheme, chain, _batch(scheme, user, index)) for index in indices], axis=0)
            for user, chain in zip(scheme.world.users, chains, strict=True)
        ]
    )
    given = scheme.world.network.sizes
    adapters = [given.get("adapter", chain[0].adapter.nbytes) for chain in chains]
    return Demand(
        compute_s=found[:, 0],
        adapter_bits=_BITS_A_BYTE * np.array(adapters, dtype=np.float64),
        activation_bits=_BITS_A_BYTE * found[:, 1],
    )


def _batch(scheme: Scheme, user: User, index: int) -> Batch:
    return scheme.learning.batch(scheme.world.batch_rows(user, index))


def _of_batch(scheme: Scheme, chain: Sequence[Stage], batch: Batch) -> tuple[float, float]:
    """Seconds of computing, and bytes on the way up from the user."""
    seconds = sum(
        stage.node.processor.time.seconds(flops)
        for stage in chain
        for flops in scheme.learning.step_flops(stage.part, batch, stage.adapter.output.ranks)
    )
    if len(chain) == 1:
        return seconds, 0.0
    given = scheme.world.network.sizes
    return seconds, float(sum(given.get(kind, size) for kind, size in scheme.learning.message_bytes(batch).items()))
