"""How long users send what a round asks of them."""

from __future__ import annotations

from cosim.allocation.band import rate_bps
from cosim.allocation.problem import Array, DelayProblem


def sending_s(drops: DelayProblem, eta: Array, shares: Array | float) -> tuple[Array, Array]:
    """Seconds (drops, K) with these ``shares`` of the band, and how they change with eta (drops, 1).

    Where the federated server has a band of its own, its part comes after the main server's, in the same shares.
    """
    activations, more = drops.activations(eta)
    main_bps = rate_bps(shares * drops.bandwidth_hz, drops.carrier_to_noise_hz)
    federated_hz = drops.federated_bandwidth_hz
    federated_bps = main_bps if federated_hz is None else rate_bps(shares * federated_hz, drops.carrier_to_noise_hz)
    return activations / main_bps + drops.adapter_bits / federated_bps, more / main_bps
