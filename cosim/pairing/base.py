"""What a pairing policy is told, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from channel_models.randomness import Stream
from cosim.nodes import Edge, User

Pair = tuple[User, Edge]


class Pairing(Protocol):
    """Chooses the users of each round, one for an edge server. A policy belongs to one run, and may remember."""

    def pairs(self, number: int, users: Sequence[User], edges: Sequence[Edge]) -> list[Pair]:
        """The pairs of round ``number`` (from 1), in the order of the edge servers; asked once a round.

        No user and no edge server stands in two of them; an edge server without a user stands in none.
        """
        ...


def random_order(stream: Stream, count: int) -> list[int]:
    """``count`` users in an order drawn from ``stream``; further users leave the order of those before them alone."""
    return [int(index) for index in np.argsort(stream.uniform(np.arange(count), 0), kind="stable")]
