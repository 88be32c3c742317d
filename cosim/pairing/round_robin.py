"""Users in turn, wherever they are."""

from __future__ import annotations

from collections.abc import Sequence

from channel_models.randomness import Stream
from cosim.nodes import Edge, User
from cosim.pairing.base import Pair, random_order


class RoundRobin:
    """The next M users of a random order, which begins again behind its last: all are chosen equally often.

    The order is drawn once. Where a user is plays no part, so that its edge server need not be the one that serves it.
    """

    def __init__(self, *, stream: Stream) -> None:
        self._stream = stream

    def pairs(self, number: int, users: Sequence[User], edges: Sequence[Edge]) -> list[Pair]:
        """See ``Pairing.pairs``; there must be as many users as edge servers."""
        order = random_order(self._stream, len(users))
        first = (number - 1) * len(edges)
        return [(users[order[(first + place) % len(order)]], edge) for place, edge in enumerate(edges)]
