"""What the delay of SflLLM comes to, part by part, and how fast a grant lets clients send."""

from __future__ import annotations

import numpy as np

from cosim.allocation.band import rate_bps
from cosim.allocation.problem import Array
from cosim.allocation.sfllm.problem import Grant, Indices, SplitProblem, Uplink


def of_owners(uplink: Uplink, owner: Indices) -> Array:
    """The g / N0 (..., M) of each subchannel's own client."""
    gains: Array = np.take_along_axis(uplink.gain_to_noise_hz_per_w, owner[..., None, :], axis=-2)[..., 0, :]
    return gains


def by_client(values: Array, owner: Indices, clients: int) -> Array:
    """Sums (..., K) of what subchannels (..., M) have, over those of each client."""
    own = owner[..., None, :] == np.arange(clients)[:, None]
    sums: Array = np.sum(np.where(own, values[..., None, :], 0.0), axis=-1)
    return sums


def bps(uplink: Uplink, grant: Grant) -> Array:
    """Rates (..., K) of the clients over their subchannels."""
    carried = rate_bps(uplink.width_hz, grant.power_w * of_owners(uplink, grant.owner))
    return by_client(carried, grant.owner, uplink.gain_to_noise_hz_per_w.shape[-2])


def forward_s(problem: SplitProblem, split: Indices, rank: Indices) -> Array:
    """T_k^F (..., K) at a split and rank (...)."""
    seconds: Array = problem.work.client_forward_flops[split, rank][..., None] / problem.client_flops_per_s
    return seconds


def totals_s(problem: SplitProblem, main_bps: Array, federated_bps: Array) -> Array:
    """T (..., S, R) of every split and rank, at rates (..., K)."""
    work = problem.work
    speed, main, federated = (
        each[..., None, None] for each in (problem.client_flops_per_s, main_bps, federated_bps)
    )  # (..., K, 1, 1)
    until_sent = np.max(work.client_forward_flops / speed + work.activation_bits / main, axis=-3)
    at_server = problem.clients * work.server_flops / problem.server_flops_per_s
    backward = np.max(work.client_backward_flops / speed, axis=-3)
    upload = np.max(work.adapter_bits / federated, axis=-3)
    totals: Array = work.rounds * (problem.iterations * (until_sent + at_server + backward) + upload)
    return totals
