"""Split-fed learning: users train the first blocks, a main server the rest, a federated server averages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cosim.nodes import Node, User
from cosim.scenario.compression import ADAPTERS, SMASHED
from cosim.scenario.section import default
from cosim.schemes.asynchronous import AsynchronousOptions, AsynchronousScheme
from cosim.schemes.options import SchemeOptions
from cosim.schemes.splitting import SplitOptions, holders
from cosim.schemes.stage import Stage

if TYPE_CHECKING:
    from cosim.scenario.models import Scenario
    from training.adapters import Part


class SplitFedOptions(SplitOptions, AsynchronousOptions):
    """Thapa et al. 2022 call ``replicated`` SplitFedV1 and ``shared`` SplitFedV2."""

    ways = ADAPTERS | SMASHED
    differences = True
    server: Literal["replicated", "shared"] = default(
        "replicated", "a server-side adapter for each user, averaged; or one a server, stepped by arrival"
    )

    def problems(self, scenario: Scenario) -> list[str]:
        """Reports of one user where all train one adapter."""
        found = super().problems(scenario)
        if self.aggregation is not None and self.server == "shared":
            found.append("scheme.server = 'shared': with an aggregation, users report what they alone have trained; "
                         "expected replicated")  # fmt: skip
        return found


class SplitFed(AsynchronousScheme):
    """Split-fed learning (Thapa et al. 2022, arXiv 2004.12088): all users in parallel, both sides averaged."""

    Options: ClassVar[type[SchemeOptions]] = SplitFedOptions

    def __init__(self, *given: Any) -> None:
        self._shared: dict[tuple[str, int], Stage] = {}
        super().__init__(*given)

    def cut(self) -> list[Part]:
        """User part and server part; with two cuts, user, edge and cloud part."""
        return self.learning.parts(self.options.cut)

    def chain(self, user: User) -> list[Stage]:
        """The user's own stage, and those of the servers: the user's own copies, or the shared ones."""
        stages = []
        for part, node in zip(self.parts, holders(self.options, self.world, user, self.parts), strict=True):
            rank = self.rank_at(node, user)
            owner = self.owner(node, user)
            if self.has_own(node, user):
                stages.append(self.stage(node, part, owner, user.samples, rank))
            else:
                key = (node.name, part.first)
                shared = self._shared.get(key) or self.stage(node, part, owner, 0, rank)
                shared.samples += user.samples
                self._shared[key] = shared
                stages.append(shared)
        return stages

    def has_own(self, node: Node, user: User) -> bool:
        """Whether the user has an adapter of its own there."""
        return node is user or self.options.server == "replicated"

    def owner(self, node: Node, user: User) -> str:
        """Whose the adapter is that the user's mini-batches train there."""
        return user.name if self.has_own(node, user) else "shared"

    def rank_at(self, node: Node, user: User) -> int | None:
        """The most that a matrix of the adapter has that the user's mini-batches train there; None for the model's."""
        return user.rank if self.has_own(node, user) else None

    def shared_stages(self) -> list[Stage]:
        """The server parts that all users of a server share."""
        return list(self._shared.values())
