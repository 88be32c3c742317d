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
    shape, (clients, subchannels) = busy_s.shape, uplink.gain_to_noise_hz_per_w.shape[-2:]
    every = _Clients(uplink, np.broadcast_to(bits, shape), busy_s)
    slowest_first = np.argsort(speed, axis=-1, kind="stable")
    owner = np.full((*shape[:-1], subchannels), _NOBODY)
    done_s = np.zeros(shape)
    for turn in range(subchannels):
        client = slowest_first[..., turn] if turn < clients else np.argmax(done_s, axis=-1)
        heard_bps = np.where(owner == _NOBODY, every.whole_bps(client), -1.0)
        np.put_along_axis(owner, np.argmax(heard_bps, axis=-1)[..., None], client[..., None], axis=-1)
        np.put_along_axis(done_s, client[..., None], every.done_s(client, owner)[..., None], axis=-1)
    return owner


class _Clients:
    """What one client (...) of each drop has, all over the band or with the subchannels that it owns."""

    def __init__(self, uplink: Uplink, bits: Array, busy_s: Array) -> None:
        self._uplink = uplink
        self._bits = bits
        self._busy_s = busy_s
        self._even_density = uplink.total_power_w / float(np.sum(uplink.width_hz))  # watts a hertz, over all of them
        self._whole_bps = self._carried_bps(uplink.gain_to_noise_hz_per_w, self._even_density)
        self._client_power_w = np.broadcast_to(uplink.client_power_w, busy_s.shape)

    def whole_bps(self, client: Indices) -> Array:
        """What every subchannel (..., M) would carry for the client at the even density."""
        return _of(self._whole_bps, client)

    def done_s(self, client: Indices, owner: Indices) -> Array:
        """When the client has sent its bits over what it has of the subchannels (..., M)."""
        own = owner == client[..., None]
        width = np.sum(np.where(own, self._uplink.width_hz, 0.0), axis=-1)
        capped = np.minimum(self._even_density, _each(self._client_power_w, client) / width)
        carried = self._carried_bps(_of(self._uplink.gain_to_noise_hz_per_w, client), capped[..., None])
        rate = np.sum(np.where(own, carried, 0.0), axis=-1)
        done: Array = _each(self._busy_s, client) + _each(self._bits, client) / rate
        return done

    def _carried_bps(self, gain_to_noise_hz_per_w: Array, watt_per_hz: Array | float) -> Array:
        return rate_bps(self._uplink.width_hz, gain_to_noise_hz_per_w * watt_per_hz * self._uplink.width_hz)


def _of(values: Array, client: Indices) -> Array:
    """The rows (..., M) of one client each."""
    rows: Array = np.take_along_axis(values, client[..., None, None], axis=-2)[..., 0, :]
    return rows


def _each(values: Array, client: Indices) -> Array:
    """The values (...) of one client each."""
    chosen: Array = np.take_along_axis(values, client[..., None], axis=-1)[..., 0]
    return chosen
