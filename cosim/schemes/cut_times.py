"""How long a round would take each client at every cut, by the cost model and the rates of now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cosim.cuts.forecast import Forecast, Shared
from cosim.schemes.demand import batches_of, mean_demand
from cosim.schemes.places import Place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cosim.radio import Direction
    from cosim.schemes.splitft import SplitFT
    from training.adapters import Part, Ranks
    from training.steps import Batch

_WAYS: tuple[Direction, ...] = ("uplink", "downlink")


def forecast(scheme: SplitFT, layers: Sequence[int], first_batch: int) -> Forecast:
    """Of a round of the scheme at each of the cut ``layers``.

    Computing of both sides, smashed data up, as much down, and the client's adapter both ways. Clients share the
    processors of their main servers, and the air of their cells, each way. FLOPs are those of the model's ranks, to
    which narrower ones make next to no difference.
    """

    def flops(part: Part, batch: Batch, _: Ranks | None) -> tuple[int, ...]:
        return scheme.flops(part, batch, None)

    batches = batches_of(scheme, range(first_batch, first_batch + scheme.local_steps))
    own_s, servers_s, bits = [], [], []
    for layer in layers:
        chains = _places(scheme, layer)
        mine = mean_demand(scheme, [chain[:1] for chain in chains], batches, flops)
        both = mean_demand(scheme, chains, batches, flops)
        own_s.append(scheme.local_steps * mine.compute_s)
        servers_s.append(scheme.local_steps * (both.compute_s - mine.compute_s))
        bits.append(scheme.local_steps * both.activation_bits + both.adapter_bits)
    servers = [chain[1].node for chain in scheme.chains]
    numbers = list(dict.fromkeys(servers))
    return Forecast(
        own_s=np.stack(own_s, axis=1),
        shared=(
            Shared(
                asked_s=np.stack(servers_s, axis=1),
                groups=np.array([numbers.index(server) for server in servers]),
                at_once=np.array([server.processor.jobs for server in numbers]),
            ),
            *(_air(scheme, direction, np.stack(bits, axis=1)) for direction in _WAYS),
        ),
    )


def _air(scheme: SplitFT, direction: Direction, bits: NDArray[np.float64]) -> Shared:
    """A cell has one transfer at a time, or several in parts of its band, which comes to about the same."""
    bands = scheme.world.bands
    asked_s = bits / bands.whole_rates_bps(direction)[:, None]
    return Shared(asked_s=asked_s, groups=bands.serving, at_once=np.ones(bands.serving.max() + 1, dtype=np.int64))


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
