"""What a cell receives from beyond it: nothing, a constant, or what the neighbour cells send at the time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from channel_models.decibels import db_to_linear
from channel_models.links import PerLink

Gain = Callable[[int, NDArray[np.int64]], NDArray[np.float64]]
"""Mean power gain (k,) between an edge server and users (k,) at present."""


class Interference(Protocol):
    """What one direction of one cell has from the others, as power over its whole band."""

    def received_w(self, links: NDArray[np.int64]) -> PerLink:
        """Power at the receivers of links (k,) at present: one for all, or (k,)."""
        ...


@dataclass(frozen=True, kw_only=True)
class NoInterference:
    """Every cell is alone in its band."""

    def received_w(self, links: NDArray[np.int64]) -> PerLink:
        """See ``Interference.received_w``."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class ConstantInterference:
    """The same at all times: a power over the band, or a rise of the noise ``noise_w`` over it by some decibels.

    ValueError unless just one of them is given, and is not negative.
    """

    noise_w: float
    power_w: float | None = None
    noise_rise_db: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.power_w, self.noise_rise_db) if value is not None]
        if len(given) != 1 or not (given[0] >= 0.0 and math.isfinite(given[0])):
            raise ValueError(
                f"give either power_w or noise_rise_db, not negative, got {self.power_w} and {self.noise_rise_db}"
            )

    def received_w(self, links: NDArray[np.int64]) -> PerLink:
        """See ``Interference.received_w``."""
        if self.power_w is not None:
            return self.power_w
        assert self.noise_rise_db is not None  # as checked above
        return self.noise_w * float(db_to_linear(self.noise_rise_db) - 1.0)


@dataclass(kw_only=True, eq=False)
class Ether:
    """One direction of all cells, which use the same band: what each sends is heard in the others.

    Powers are means over fading, from where users are when somebody comes or goes, and spread evenly over the band, as
    a narrow part may be anywhere in it. On the uplink users with ``power_w`` (users,) send to edge servers; on the
    downlink edge servers with ``power_w`` (edges,) to users.
    """

    direction: Literal["uplink", "downlink"]
    power_w: NDArray[np.float64]
    gain: Gain
    edges: int
    _at_edges_w: NDArray[np.float64] = field(init=False)
    _sending: NDArray[np.float64] = field(init=False)
    _listeners: dict[int, Callable[[], None]] = field(default_factory=dict, init=False)
    _last: dict[int, tuple[bytes, bytes]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._at_edges_w = np.zeros((self.edges, self.edges))  # from the users of a cell at each edge server
        self._sending = np.zeros(self.edges)  # share of its power that each edge server sends with

    def received_w(self, edge: int, links: NDArray[np.int64]) -> PerLink:
        """Power at the edge server (uplink), or at each of the users ``links`` (k,) of its cell (downlink)."""
        others = [other for other in range(self.edges) if other != edge]
        if self.direction == "uplink":
            return float(self._at_edges_w[others, edge].sum())
        heard = [self._sending[other] * self.power_w[other] * self.gain(other, links) for other in others]
        return np.sum(heard, axis=0) if len(links) and heard else 0.0

    def announce(self, edge: int, links: NDArray[np.int64], on_air: NDArray[np.float64]) -> None:
        """From now on these links (k,) send in this cell, with so much (k,) of their senders' power."""
        said = links.tobytes(), on_air.tobytes()
        if self._last.get(edge, (b"", b"")) == said:
            return
        self._last[edge] = said
        if self.direction == "uplink":
            sent_w = on_air * self.power_w[links]
            self._at_edges_w[edge] = [sent_w @ self.gain(other, links) for other in range(self.edges)]
        elif self._sending[edge] == (total := float(on_air.sum())):
            return
        else:
            self._sending[edge] = total
        for other, changed in self._listeners.items():
            if other != edge:
                changed()

    def listen(self, edge: int, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever others have."""
        self._listeners[edge] = changed


@dataclass(frozen=True, kw_only=True, eq=False)
class ActiveInterference:
    """What the other cells send at the time, in the same band."""

    ether: Ether
    edge: int

    def received_w(self, links: NDArray[np.int64]) -> PerLink:
        """See ``Interference.received_w``."""
        return self.ether.received_w(self.edge, links)

    def announce(self, links: NDArray[np.int64], on_air: NDArray[np.float64]) -> None:
        """See ``Ether.announce``."""
        self.ether.announce(self.edge, links, on_air)

    def listen(self, changed: Callable[[], None]) -> None:
        """See ``Ether.listen``."""
        self.ether.listen(self.edge, changed)
