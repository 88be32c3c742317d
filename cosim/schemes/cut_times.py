"""How long a round would take each client at every cut, by the cost model and the rates of now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cosim.cuts.base import Forecast
from cosim.schemes.demand import batches_of, mean_demand
from cosim.schemes.places import Place

if TYPE_CHECKING:
    from cosim.schemes.splitft import SplitFT
    from training.adapters import Part, Ranks
    from training.steps import Batch


def forecast(scheme: SplitFT, layers: Sequence[int], first_batch: int) -> Forecast:
    """Of a round of the scheme at each of the cut ``layers``.

    Computing of both sides, smashed data up, as much down, and the client's adapter both ways; all clients of a cell
    have equal parts of its band, as if all asked at once. FLOPs are those of the model's ranks, to which narrower ones
    make next to no difference.
    """

    def flops(part: Part, batch: Batch, _: Ranks | None) -> tuple[int, ...]:
        return scheme.flops(part, batch, None)

    batches = batches_of(scheme, range(first_batch, first_batch + scheme.local_steps))
    bands = scheme.world.bands
    both_ways_s = sum(1.0 / bands.equal_rates_bps(way) for way in ("uplink", "downlink"))  # a bit up, a bit down
    steps, own, servers_part = scheme.local_steps, [], []
    for layer in layers:
        chains = _places(scheme, layer)
        mine = mean_demand(scheme, [chain[:1] for chain in chains], batches, flops)
        both = mean_demand(scheme, chains, batches, flops)
        own.append(steps * mine.compute_s + (steps * both.activation_bits + both.adapter_bits) * both_ways_s)
        servers_part.append(steps * (both.compute_s - mine.compute_s))
    nodes = [chain[1].node for chain in scheme.chains]
    servers = list(dict.fromkeys(nodes))
    return Forecast(
        own_s=np.stack(own, axis=1),
        server_s=np.stack(servers_part, axis=1),
        servers=np.array([servers.index(node) for node in nodes]),
        processors=np.array([server.processor.jobs for server in servers]),
    )


def _places(scheme: SplitFT, layer: int) -> list[list[Place]]:
    """Where the parts of each client's model would be."""
    parts = scheme.learning.parts([layer])
    return [
        [
            Place(stage.node, part, scheme.ranks(user, layer), stage.adapter.lineage)
            for stage, part in zip(chain, parts, strict=True)
        ]
        for user, chain in zip(scheme.world.users, scheme.chains, strict=True)
    ]
