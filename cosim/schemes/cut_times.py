"""How long a round would take each client at every cut, by the cost model and the rates of now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cosim.schemes.demand import Place, batches_of, mean_demand

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cosim.allocation.demand import Demand
    from cosim.schemes.splitft import SplitFT
    from training.steps import Batch


def expected_s(scheme: SplitFT, layers: Sequence[int], first_batch: int) -> NDArray[np.float64]:
    """(K, C) seconds of a round of the scheme at each of the cut ``layers``.

    Computing of both sides without queues, smashed data up, as much down, and the client's adapter both ways. All
    clients of a cell have equal parts of its band, whoever sends when.
    """
    batches = batches_of(scheme, range(first_batch, first_batch + scheme.local_steps))
    up_bps, down_bps = (scheme.world.bands.equal_rates_bps(way) for way in ("uplink", "downlink"))
    columns = []
    for layer in layers:
        demand = _demand(scheme, layer, batches)
        steps_s = demand.compute_s + demand.activation_bits * (1.0 / up_bps + 1.0 / down_bps)
        columns.append(scheme.local_steps * steps_s + demand.adapter_bits * (1.0 / up_bps + 1.0 / down_bps))
    return np.stack(columns, axis=1)


def _demand(scheme: SplitFT, layer: int, batches: Sequence[Sequence[Batch]]) -> Demand:
    parts = scheme.learning.parts([layer])
    chains = [
        [Place(stage.node, part, scheme.ranks(user, layer)) for stage, part in zip(chain, parts, strict=True)]
        for user, chain in zip(scheme.world.users, scheme.chains, strict=True)
    ]
    return mean_demand(scheme, chains, batches, scheme.flops)
