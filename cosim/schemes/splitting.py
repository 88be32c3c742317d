"""Options of the schemes that cut the model: where, and who runs what lies beyond."""

from __future__ import annotations

from typing import Literal

from cosim.nodes import Node, User
from cosim.scenario.models import Count, default
from cosim.schemes.base import SchemeOptions
from cosim.world import World


class SplitOptions(SchemeOptions):
    """A cut layer counts the blocks before it: ``cut: 3`` leaves the embeddings and blocks 0, 1, 2 to the user."""

    cut: Count | tuple[Count, Count] = default(3, "user | main server; two cut layers: user | edge server | cloud")
    main_server: Literal["edge", "cloud"] = default("edge", "who runs the part beyond a single cut")

    @property
    def cuts(self) -> tuple[int, ...]:
        """The cut layers, one or two."""
        return (self.cut,) if isinstance(self.cut, int) else self.cut


def holders(options: SplitOptions, world: World, user: User) -> list[Node]:
    """Who runs each part of the user's mini-batches."""
    if len(options.cuts) == 2:
        return [user, user.edge, world.cloud]
    return [user, user.edge if options.main_server == "edge" else world.cloud]
