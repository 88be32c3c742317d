"""The delay that FedsLLM minimises (arXiv 2407.09250, after Yang et al., arXiv 2007.03462).

T = a / (1 - eta) * max_k ( n(eta) alpha_k + S_k(eta) / r_k(b_k) ),   sum_k b_k <= B
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cosim.allocation.learning_model import LearningModel

Array = NDArray[np.float64]


class NoAllocation(ValueError):  # noqa: N818 - reads as what happened
    """The band cannot be shared in this way."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DelayProblem:
    """What users have to compute and to send; arrays (..., K) of K users, before which come independent drops.

    ``carrier_to_noise_hz`` is g_k p_k / N0, ``power_w`` the p_k in it: a watt unless given, as it counts only where
    all users together may not spend theirs. ``compute_s`` is the time of one local iteration, that of user and server
    together. ``adapter_bits`` go to the federated server once a round, ``activation_bits`` to the main server once a
    round or, with ``each_iteration``, once a local iteration. Both share the band ``bandwidth_hz``, unless the
    federated server has one of its own, ``federated_bandwidth_hz``. ValueError unless all are finite and
    positive; users without adapter or activation bits are allowed where there is one band.
    """

    carrier_to_noise_hz: Array
    compute_s: Array
    adapter_bits: Array
    activation_bits: Array
    bandwidth_hz: float
    federated_bandwidth_hz: float | None = None
    each_iteration: bool = False
    learning: LearningModel
    power_w: Array = field(default_factory=lambda: np.ones(1))

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            values = getattr(self, name)
            least = np.nextafter(0.0, 1.0) if name in _NEVER_ZERO else 0.0
            if not (np.isfinite(values).all() and (values >= least).all()):
                raise ValueError(f"{name} must be finite and positive, got {values.min()} .. {values.max()}")
        if not (self.adapter_bits + self.activation_bits > 0.0).all():
            raise ValueError("every user must have something to send, in adapter_bits or activation_bits")
        for name in ("bandwidth_hz", "federated_bandwidth_hz"):
            band = getattr(self, name)
            if band is not None and not (np.isfinite(band) and band > 0.0):
                raise ValueError(f"{name} must be finite and positive, got {band}")
        if self.federated_bandwidth_hz is not None and not ((self.adapter_bits > 0) & (self.activation_bits > 0)).all():
            raise ValueError("with two bands every user must have something to send over each")

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """(..., K)."""
        return np.broadcast_shapes(*(np.shape(getattr(self, name)) for name in _ARRAYS))

    @property
    def users(self) -> int:
        """K."""
        return self.shape[-1]

    def drops(self) -> Self:
        """The same with all arrays (drops, K)."""
        return self._with(lambda values: np.broadcast_to(values, self.shape).reshape(-1, self.users))

    def of(self, drops: NDArray[np.int64]) -> Self:
        """Some of the drops of a problem with arrays (drops, K), one more than once if need be."""
        return self._with(lambda values: np.broadcast_to(values, self.shape)[drops])

    def among(self, users: NDArray[np.int64]) -> Self:
        """Some of the users of a problem with arrays (drops, K)."""
        return self._with(lambda values: np.broadcast_to(values, self.shape)[:, users])

    def _with(self, change: Callable[[Array], Array]) -> Self:
        arrays: dict[str, Any] = {name: change(getattr(self, name)) for name in _ARRAYS}
        return replace(self, **arrays)

    def iterations(self, eta: Array) -> Array:
        """n(eta), of eta (drops, 1)."""
        return np.asarray(self.learning.iterations(eta))

    def activations(self, eta: Array) -> tuple[Array, Array]:
        """Bits of activations a round at eta (drops, 1), and how they change with eta; both (drops, K)."""
        if not self.each_iteration:
            return self.activation_bits, np.zeros_like(self.activation_bits)
        return self.activation_bits * self.iterations(eta), self.activation_bits * self.learning.iterations_slope(eta)

    def total_s(self, eta: Array, round_s: Array) -> Array:
        """T (drops,) of rounds that take so long."""
        return np.asarray(self.learning.rounds(eta)) * round_s


_ARRAYS = tuple(each.name for each in fields(DelayProblem) if each.type == "Array")
_NEVER_ZERO = ("carrier_to_noise_hz", "power_w")


@dataclass(frozen=True, kw_only=True, eq=False)
class Allocation:
    """An answer: ``eta`` and the duration of a round, both (...), the bands in hertz (..., K), and the delay T (...).

    ``federated_band_hz`` is None where there is one band. ``power_share`` (..., K) is how much of its power each user
    puts into its band, on the uplink; None is all of it. ``federated_power_share`` is the same of the other band.
    """

    eta: Array
    round_s: Array
    total_s: Array
    band_hz: Array
    federated_band_hz: Array | None = None
    power_share: Array | None = None
    federated_power_share: Array | None = None
