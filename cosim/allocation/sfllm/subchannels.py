"""Who sends in which subchannel: the greedy rule of SflLLM.

Clients choose in the order of their computing speed, the slowest first, one subchannel each; what is left goes, one
after another, to whoever would be done last. Clients take the free subchannel in which they are heard best.
"""

from __future__ import annotations

import numpy as np

from cosim.allocation.band import rate_bps
from cosim.allocation.problem import Array
from cosim.allocation.sfllm.problem import Indices, Uplink

_NOBODY = -1


def greedy(uplink: Uplink, speed: Array, bits: Array, busy_s: Array) -> Indices:
    """Owners (..., M) for clients of that computing speed (..., K), who send ``bits`` after ``busy_s`` (..., K).

    Delays are those at one power density everywhere, that of all the power over all subchannels, or what a client's cap
    leaves of it: powers are chosen afterwards.
    """
    bits = np.broadcast_to(bits, busy_s.shape)
    clients, subchannels = uplink.gain_to_noise_hz_per_w.shape[-2:]
    slowest_first = np.argsort(speed, axis=-1, kind="stable")
    owner = np.full((*busy_s.shape[:-1], subchannels), _NOBODY)
    for turn in range(subchannels):
        if turn < clients:
            client = slowest_first[..., turn]
        else:
            client = np.argmax(busy_s + bits / _bps_at_even_density(uplink, owner), axis=-1)
        taken = _best_free(uplink, owner, client)
        np.put_along_axis(owner, taken[..., None], client[..., None], axis=-1)
    return owner


def _best_free(uplink: Uplink, owner: Indices, client: Indices) -> Indices:
    """The subchannel (...) of those nobody has in which ``client`` (...) has the highest rate."""
    own = np.take_along_axis(_carried_bps(uplink, _even_density(uplink)), client[..., None, None], axis=-2)[..., 0, :]
    best: Indices = np.argmax(np.where(owner == _NOBODY, own, -1.0), axis=-1)
    return best


def _bps_at_even_density(uplink: Uplink, owner: Indices) -> Array:
    """Rates (..., K) over what clients have so far."""
    own = owner[..., None, :] == np.arange(uplink.gain_to_noise_hz_per_w.shape[-2])[:, None]
    width = np.sum(np.where(own, uplink.width_hz, 0.0), axis=-1)
    capped = np.minimum(_even_density(uplink), uplink.client_power_w / width)
    rates: Array = np.sum(np.where(own, _carried_bps(uplink, capped[..., None]), 0.0), axis=-1)
    return rates


def _carried_bps(uplink: Uplink, watt_per_hz: Array | float) -> Array:
    """What every subchannel would carry for every client (..., K, M) at that density."""
    return rate_bps(uplink.width_hz, uplink.gain_to_noise_hz_per_w * watt_per_hz * uplink.width_hz)


def _even_density(uplink: Uplink) -> float:
    """Watts a hertz when all power is spread over all subchannels."""
    return uplink.total_power_w / float(np.sum(uplink.width_hz))
