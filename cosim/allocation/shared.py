"""What a round comes to when its bands are shared as well as they can be."""

from __future__ import annotations

from dataclasses import dataclass

from cosim.allocation.problem import Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Shared:
    """The least duration of a round (drops,), how it changes with eta, and the bands that give it (drops, K).

    ``hint`` (drops,) makes it quick to find the same at another eta. ``slope`` is None where the duration jumps with
    eta. For bands and shares of power see ``Allocation``.
    """

    round_s: Array
    slope: Array | None
    band_hz: Array
    federated_band_hz: Array | None = None
    hint: Array | None = None
    power_share: Array | None = None
    federated_power_share: Array | None = None
