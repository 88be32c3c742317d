"""The delay that SflLLM minimises (arXiv 2504.14667).

T = E(r) ( I T_local + max_k T_k^f ),   T_local = max_k (T_k^F + T_k^s) + T_s^F + T_s^B + max_k T_k^B

T_k^F and T_k^B are a client's forward and backward pass, T_k^s and T_k^f its uploads to the main and the federated
server, T_s^F and T_s^B the main server's passes for all clients, I the local iterations of a round, E(r) the rounds
that adapters of rank r take.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from cosim.allocation.problem import Array

Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """What there is to do at each of the ``splits`` (S,), in blocks at the client, with each of the ``ranks`` (R,).

    Arrays (S, R). FLOPs and ``activation_bits`` are of one mini-batch of one client, those of the server of forward and
    backward pass together; ``adapter_bits`` go to the federated server once a round. ``rounds`` (R,) is E(r), whole or
    not. ValueError unless all are finite and positive, and of these shapes.
    """

    splits: Indices
    ranks: Indices
    client_forward_flops: Array
    client_backward_flops: Array
    server_flops: Array
    activation_bits: Array
    adapter_bits: Array
    rounds: Array

    def __post_init__(self) -> None:
        shapes = {"splits": (len(self.splits),), "ranks": (len(self.ranks),), "rounds": (len(self.ranks),)}
        for each in fields(self):
            values, shape = getattr(self, each.name), shapes.get(each.name, self.shape)
            _require_positive(**{each.name: values})
            if np.shape(values) != shape:
                raise ValueError(f"{each.name} must have shape {shape}, got {np.shape(values)}")

    @property
    def shape(self) -> tuple[int, int]:
        """(S, R)."""
        return len(self.splits), len(self.ranks)


@dataclass(frozen=True, kw_only=True, eq=False)
class Uplink:
    """M subchannels to one server, each for one client only.

    ``gain_to_noise_hz_per_w`` (..., K, M) is g / N0: the SNR of a watt in a hertz. Each client has at most
    ``client_power_w`` (..., K), which broadcasts, and all together have at most ``total_power_w``. ValueError unless
    all are finite and positive, or with more clients than subchannels.
    """

    width_hz: Array
    gain_to_noise_hz_per_w: Array
    client_power_w: Array | float
    total_power_w: float

    def __post_init__(self) -> None:
        _require_positive(
            width_hz=self.width_hz,
            gain_to_noise_hz_per_w=self.gain_to_noise_hz_per_w,
            client_power_w=np.asarray(self.client_power_w),
            total_power_w=np.asarray(self.total_power_w),
        )
        clients, subchannels = self.gain_to_noise_hz_per_w.shape[-2:]
        if np.shape(self.width_hz) != (subchannels,):
            raise ValueError(f"width_hz must have shape {(subchannels,)}, got {np.shape(self.width_hz)}")
        if clients > subchannels:
            raise ValueError(f"width_hz: {clients} clients need at least as many subchannels, got {subchannels}")


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitProblem:
    """Clients with ``client_flops_per_s`` (..., K) and the uplinks that they have; before K come independent drops.

    Both uploads happen at different times, so that each may take the whole power. The server works through the
    mini-batches of all clients at ``server_flops_per_s``. ValueError unless all are positive and of the same clients.
    """

    work: Work
    client_flops_per_s: Array
    server_flops_per_s: float
    main: Uplink
    federated: Uplink
    iterations: int

    def __post_init__(self) -> None:
        _require_positive(
            client_flops_per_s=self.client_flops_per_s,
            server_flops_per_s=np.asarray(self.server_flops_per_s),
            iterations=np.asarray(self.iterations),
        )
        for name in ("main", "federated"):
            shape = getattr(self, name).gain_to_noise_hz_per_w.shape[:-1]
            if shape != self.client_flops_per_s.shape:
                raise ValueError(
                    f"{name}.gain_to_noise_hz_per_w must be of clients {self.client_flops_per_s.shape}, got {shape}"
                )

    @property
    def clients(self) -> int:
        """K."""
        return int(self.client_flops_per_s.shape[-1])

    @property
    def drops(self) -> tuple[int, ...]:
        """What comes before K."""
        return self.client_flops_per_s.shape[:-1]


@dataclass(frozen=True, kw_only=True, eq=False)
class Grant:
    """Which client (..., M) sends in each subchannel of an uplink, with how many watts (..., M)."""

    owner: Indices
    power_w: Array

    def where(self, mask: NDArray[np.bool_], other: Grant) -> Grant:
        """This one in the drops of ``mask`` (...), the other elsewhere."""
        here = mask[..., None]
        return Grant(owner=np.where(here, self.owner, other.owner), power_w=np.where(here, self.power_w, other.power_w))


@dataclass(frozen=True, kw_only=True, eq=False)
class Decision:
    """Everything that is chosen: split and rank (...) by their places in ``Work``, and both grants; T (...) with it."""

    split: Indices
    rank: Indices
    main: Grant
    federated: Grant
    total_s: Array = field(repr=False)

    def where(self, mask: NDArray[np.bool_], other: Decision) -> Decision:
        """This one in the drops of ``mask`` (...), the other elsewhere."""
        return Decision(
            split=np.where(mask, self.split, other.split),
            rank=np.where(mask, self.rank, other.rank),
            main=self.main.where(mask, other.main),
            federated=self.federated.where(mask, other.federated),
            total_s=np.where(mask, self.total_s, other.total_s),
        )


def _require_positive(**given: NDArray[np.float64] | Indices) -> None:
    for name, values in given.items():
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise ValueError(f"{name} must be finite and positive, got {np.min(values)} .. {np.max(values)}")
