"""What mini-batches ask of users and servers, added up before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from cosim.allocation.demand import Demand

if TYPE_CHECKING:
    from cosim.nodes import Node
    from cosim.schemes.base import Scheme, Stage
    from training.adapters import Part, Ranks
    from training.cut_flops import StepFlops
    from training.steps import Batch

_BITS_A_BYTE = 8


@dataclass(frozen=True)
class Place:
    """A part of the model that is trained, or might be, at a node; ``ranks`` of its adapter, None for the model's."""

    node: Node
    part: Part
    ranks: Ranks | None

    @classmethod
    def of(cls, stage: Stage) -> Self:
        """Where the stage is."""
        return cls(stage.node, stage.part, stage.adapter.output.ranks)


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
    given, upload = scheme.world.network.sizes, scheme.packing.compressors.upload
    adapters = [
        given.get("adapter", scheme.learning.adapter_bytes(chain[0].part, chain[0].ranks, upload)) for chain in chains
    ]
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
    sizes = scheme.learning.message_bytes(batch, scheme.packing.compressors.activations)
    return seconds, float(sum(given.get(kind, size) for kind, size in sizes.items()))
