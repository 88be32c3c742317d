"""What clients keep between the forward and the backward of a part, while passes of others come between."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from training.adapters import Part
    from training.phases import Held


class Room:
    """Memory for graphs that wait. Where one does not fit, its forward is done again when the backward comes."""

    def __init__(self, most_bytes: int) -> None:
        self.free_bytes = most_bytes
        self._lock = threading.RLock()  # a graph may die, and give its room back, while another asks for room

    def hold(self, held: Held, nbytes: int) -> Held | None:
        """``held``, whose saved activations take ``nbytes`` as long as it lives; None where that is too much."""
        with self._lock:
            if nbytes > self.free_bytes:
                return None
            self.free_bytes -= nbytes
        weakref.finalize(held, self._give_back, nbytes)
        return held

    def _give_back(self, nbytes: int) -> None:
        with self._lock:
            self.free_bytes += nbytes


class Graph:
    """The graph of one forward pass over ``clients``, which one backward pass uses up; None where it is gone."""

    def __init__(self, held: Held | None, clients: int) -> None:
        self._held = held
        self._clients = clients

    def take(self, kept: Sequence[InFlight]) -> Held | None:
        """What was held, if ``kept`` are the clients of the pass, all and in their places."""
        if [(client.graph, client.place) for client in kept] != [(self, place) for place in range(self._clients)]:
            return None
        held, self._held = self._held, None
        return held


@dataclass(frozen=True, eq=False)
class InFlight:
    """What one client keeps from forward to backward: its place in a graph, and what the forward can be redone from.

    ``x`` entered ``part``, whose adapter had ``weights``.
    """

    graph: Graph
    place: int
    part: Part
    weights: Tensor
    x: Tensor
    draw: int
