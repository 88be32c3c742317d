"""Where parts of the model are trained, or might be, and which of it goes on at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from cosim.nodes import Node, User
    from cosim.schemes.stage import Stage
    from training.adapters import Part, Ranks


@dataclass(frozen=True)
class Place:
    """A part of the model that is trained, or might be, at a node; ``ranks`` of its adapter, None for the model's.

    Places of one ``lineage`` share an adapter.
    """

    node: Node
    part: Part
    ranks: Ranks | None
    lineage: str

    @classmethod
    def of(cls, stage: Stage) -> Self:
        """Where the stage is."""
        return cls(stage.node, stage.part, stage.adapter.output.ranks, stage.adapter.lineage)


@dataclass(frozen=True)
class Course:
    """Mini-batches of ``user``, one after another, each through ``places`` and back."""

    user: User
    places: tuple[Place, ...]

    @classmethod
    def through(cls, user: User, chain: Iterable[Stage]) -> Self:
        """The user's mini-batches through the stages of ``chain``."""
        return cls(user, tuple(Place.of(stage) for stage in chain))


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a scheme has the nodes do at the same time.

    Of each of the ``alternatives`` one course is under way at a time, whichever; a user is in one at a time. Servers
    keep weights and adapter of every place, also of ``idle`` ones that no course goes through. Adapters of the parts
    ``exchanged`` travel to and from the ``hub``, and wait there for each other. With a ``deadline_s`` of each of the
    ``rounds``, what is cut short may still go on at servers when the next round begins; it is 0 where that may be at
    any time. Bytes ``beside`` are what nodes
    keep of their own, besides all that.
    """

    alternatives: Sequence[Sequence[Course]]
    idle: Sequence[Place] = ()
    hub: Node | None = None
    exchanged: Sequence[Part] = ()
    deadline_s: float | None = None
    rounds: int = 1
    beside: Mapping[Node, int] = field(default_factory=dict)

    @property
    def courses(self) -> list[Course]:
        """All that may be under way at any time."""
        return [course for courses in self.alternatives for course in courses]

    @property
    def places(self) -> list[Place]:
        """All that weights and adapters are kept at, some of them more than once."""
        return [*self.idle, *(place for course in self.courses for place in course.places)]
