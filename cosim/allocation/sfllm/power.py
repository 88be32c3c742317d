"""The powers at which the last client has computed and sent as early as can be: exact, for all clients and drops.

Given the moment T1 by which all are to be done, every client's rate is known, and so is the least power that gives it.
The earliest T1 is the one that no client's cap delays and at which all together take no more than there is: Newton on
the logarithm of the power that T1 takes.
"""

from __future__ import annotations

import numpy as np

from cosim.allocation.problem import Array
from cosim.allocation.sfllm.delay import by_client
from cosim.allocation.sfllm.problem import Grant, Indices, Uplink
from cosim.allocation.sfllm.water_filling import Filling

_STEPS = 200
_ROUNDING = 4.0 * np.finfo(float).eps  # nearer than this no duration can be told from its neighbours
_SPENT = 1e-13  # nearer than this in its logarithm the power is all there is


def earliest(uplink: Uplink, owner: Indices, bits: Array, busy_s: Array) -> tuple[Grant, Array]:
    """The powers, and the moment T1 (...) by which everybody has sent ``bits`` (..., K), after ``busy_s`` (..., K).

    Everybody takes the least power that is enough for T1. ``owner`` is (..., M). ValueError if a client has no
    subchannel.
    """
    _require_one_each(owner, uplink)
    filling = Filling.of(uplink, owner)
    bits, busy_s = np.broadcast_arrays(bits, busy_s)
    last_s = np.max(busy_s, axis=-1)
    ahead_s = last_s[..., None] - busy_s
    beyond_s = _beyond_s(uplink, filling, bits, ahead_s)
    level = filling.level_of_rate(bits / (beyond_s[..., None] + ahead_s))
    return Grant(owner=owner, power_w=filling.in_uplink(filling.power_w(level))), last_s + beyond_s


def _beyond_s(uplink: Uplink, filling: Filling, bits: Array, ahead_s: Array) -> Array:
    """T1 (...) from the moment on when the last client begins to send; it may be short beside that moment.

    ``ahead_s`` (..., K) is how much earlier each one begins.
    """
    low = _sent_s(filling, bits, ahead_s, uplink.client_power_w)
    part = uplink.total_power_w / bits.shape[-1]
    high = _sent_s(filling, bits, ahead_s, np.minimum(uplink.client_power_w, part))
    x = low
    for step in range(_STEPS):
        sending = x[..., None] + ahead_s
        level = filling.level_of_rate(bits / sending)
        power = np.sum(filling.power_w(level), axis=(-2, -1))
        over = np.log(power / uplink.total_power_w)
        newton = x + over * power / np.sum(filling.power_slope(level) * bits / sending**2, axis=-1)
        low, high = np.where(over > 0.0, x, low), np.where(over < 0.0, x, high)
        done = (np.abs(over) < _SPENT) | (np.abs(newton - x) <= _ROUNDING * x) | (high - low <= _ROUNDING * x)
        if step == 0:
            done |= over <= 0.0  # the caps alone decide
        if done.all():
            break
        inside = (newton > low) & (newton < high)
        x = np.where(done, x, np.where(inside, newton, (low + high) / 2.0))
    return x


def _sent_s(filling: Filling, bits: Array, ahead_s: Array, power_w: Array | float) -> Array:
    """When the last client has sent, if each spends so much (..., K)."""
    level = filling.level_of_power(np.broadcast_to(power_w, bits.shape))
    sent: Array = np.max(bits / filling.rate_bps(level) - ahead_s, axis=-1)
    return sent


def _require_one_each(owner: Indices, uplink: Uplink) -> None:
    clients = uplink.gain_to_noise_hz_per_w.shape[-2]
    held = by_client(np.ones(owner.shape), owner, clients)
    if (held < 1.0).any():
        raise ValueError(f"owner: client {int(np.argwhere(held < 1.0)[0, -1])} has no subchannel; each needs one")
