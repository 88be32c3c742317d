"""Split learning: users train in turn with one server, and hand the user part on to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from cosim.nodes import Edge, Node, User
from cosim.schemes.base import Scheme
from cosim.schemes.options import SchemeOptions
from cosim.schemes.places import Course, Load, Place
from cosim.schemes.splitting import SplitOptions, holders
from cosim.schemes.stage import Stage
from cosim.schemes.telling import Acts

if TYPE_CHECKING:
    from training.jobs import Ref


class SplitLearning(Scheme):
    """Split learning (Gupta and Raskar 2018, arXiv 1810.06060; Vepakomma et al. 2018): users in turn, one model.

    Weights travel, optimiser moments stay: each entity keeps its own, and takes over the weights of the one before it.
    The server part goes along: a user who was handed over has the edge server that serves it as its turn begins.

    Whose device is off loses its turn, and one that goes off, or whose edge server crashes, loses what it has done in
    it: the next user goes on from the turn before. A server part that is lost in a crash is taken from whoever had it
    last before the crashed edge server, at first the cloud.
    """

    Options: ClassVar[type[SchemeOptions]] = SplitOptions
    ranks_may_differ: ClassVar[bool] = False

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.parts = self.learning.parts(self.options.cut)
        self._places: dict[tuple[str, int], Stage] = {}
        cloud = self.world.cloud
        self.current: list[tuple[Node, Ref]] = [
            (cloud, self.learning.start(part, f"first {part}")) for part in self.parts
        ]
        self._held: list[dict[Node, Ref]] = [dict([had]) for had in self.current]
        self._chains: dict[User, list[Stage]] = {}

    def model(self) -> Sequence[Ref]:
        """The latest state of every part."""
        return [adapter for _, adapter in self.current]

    def load(self) -> Load:
        """One user at a time; by the cloud, adapters go from one to the next."""
        courses = [
            Course(user, self.places(user, edge)) for user in self.world.users for edge in self.world.may_serve(user)
        ]
        return Load(
            alternatives=[courses],
            hub=self.world.cloud,
            exchanged=self.parts,
            deadline_s=0.0 if self.world.users_may_stop else None,
            rounds=self.last_round * len(self.world.users),
        )

    def story(self) -> Acts:
        """Rounds of turns."""
        for _ in self.rounds():
            yield from self.in_turn(self.turn, self.world.users)

    def turn(self, user: User) -> Acts:
        """Take over each part from whoever had it, then train on the own data."""
        user.edge = user.link.serving
        chain = [
            self.place(node, index) for index, node in enumerate(holders(self.options, self.world, user, self.parts))
        ]
        self._chains = {user: chain}
        for stage, (previous, adapter) in zip(chain, self.current, strict=True):
            if adapter is not stage.adapter:
                yield from self.hand_over(adapter, previous, stage)
        for batch in self.batches(user):
            yield from self.train_step(chain, batch)
        self.current = [(stage.node, stage.adapter) for stage in chain]
        for held, (node, adapter) in zip(self._held, self.current, strict=True):
            held.pop(node, None)
            held[node] = adapter  # as the last

    def chain_of(self, user: User) -> Sequence[Stage]:
        """See ``Scheme``."""
        return self._chains.get(user, ())

    def crashed(self, edge: Edge) -> None:
        """See ``Scheme``; what the edge server had last is there no more."""
        super().crashed(edge)
        for held in self._held:
            held.pop(edge, None)
        self.current = [list(held.items())[-1] for held in self._held]

    def places(self, user: User, edge: Edge) -> tuple[Place, ...]:
        """Those of a turn that ``user`` has while ``edge`` serves it."""
        nodes = [edge if node is user.edge else node for node in holders(self.options, self.world, user, self.parts)]
        return tuple(
            Place(node, part, None, f"{node.name} {part}") for node, part in zip(nodes, self.parts, strict=True)
        )

    def place(self, node: Node, index: int) -> Stage:
        """The stage of a part at a node, made when it is first needed."""
        key = (node.name, index)
        if key not in self._places:
            self._places[key] = self.stage(node, self.parts[index], "own", 0)
        return self._places[key]
