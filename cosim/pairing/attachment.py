"""Every edge server trains with one of the users it serves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from channel_models.randomness import Stream
from cosim.nodes import Edge, User
from cosim.pairing.base import Pair, random_order


class Attachment:
    """Of the users that an edge server serves now, the one that has waited longest; of several, by a random order.

    Activations then go by no other edge server. One that serves nobody takes no part in the round.
    """

    def __init__(self, *, stream: Stream) -> None:
        self._stream = stream
        self._last_round: defaultdict[int, int] = defaultdict(int)

    def pairs(self, number: int, users: Sequence[User], edges: Sequence[Edge]) -> list[Pair]:
        """See ``Pairing.pairs``."""
        served: dict[int, list[User]] = {}
        for index in random_order(self._stream, len(users)):
            served.setdefault(users[index].link.serving.index, []).append(users[index])
        found = [
            (min(served[edge.index], key=lambda user: self._last_round[user.index]), edge)
            for edge in edges
            if edge.index in served
        ]
        for user, _ in found:
            self._last_round[user.index] = number
        return found
