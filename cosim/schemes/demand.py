"""What mini-batches ask of users and servers, added up before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cosim.allocation.demand import Demand

if TYPE_CHECKING:
    from cosim.schemes.base import Scheme
    from cosim.schemes.places import Place
    from training.cut_flops import StepFlops
    from training.steps import Batch

_BITS_A_BYTE = 8


def batches_of(scheme: Scheme, indices: Sequence[int]) -> list[list[Batch]]:
    """The mini-batches ``indices`` of each user, counted over the whole run."""
    return [
        [scheme.learning.batch(scheme.world.batch_rows(user, index)) for index in indices]
        for user in scheme.world.users
    ]


def mean_demand(
    scheme: Scheme,
    chains: Sequence[Sequence[Place]],
    batches: Sequence[Sequence[Batch]],
    step_flops: StepFlops | None = None,
) -> Demand:
    """The mean over the ``batches`` of each user, which go through its chain of places.

    ``step_flops`` may stand in for those that are measured.
    """
    flops = step_flops or scheme.learning.step_flops
    found = np.array(
        [
            np.mean([_of_batch(scheme, chain, batch, flops) for batch in its], axis=0)
            for chain, its in zip(chains, batches, strict=True)
        ]
    )
    given, learning = scheme.world.network.sizes, scheme.learning
    adapters = [given.get("adapter", learning.adapter_bytes(chain[0].part, chain[0].ranks)) for chain in chains]
    return Demand(
        compute_s=found[:, 0],
        adapter_bits=_BITS_A_BYTE * np.array(adapters, dtype=np.float64),
        activation_bits=_BITS_A_BYTE * found[:, 1],
    )


def _of_batch(scheme: Scheme, chain: Sequence[Place], batch: Batch, step_flops: StepFlops) -> tuple[float, float]:
    """Seconds of computing, and bytes on the way up from the user."""
    seconds = sum(
        place.node.processor.time.seconds(flops)
        for place in chain
        for flops in step_flops(place.part, batch, place.ranks)
    )
    if len(chain) == 1:
        return seconds, 0.0
    given = scheme.world.network.sizes
    return seconds, float(sum(given.get(kind, size) for kind, size in scheme.learning.message_bytes(batch).items()))
