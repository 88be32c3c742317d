"""A part of the model where it is trained, and what has come of all parts at the end of a round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cosim.nodes import Node

if TYPE_CHECKING:
    from training.adapters import Part
    from training.jobs import Ref


@dataclass(eq=False, slots=True)
class Stage:
    """A part of the model at a node, with the adapter it trains there; ``samples`` is its weight in an average.

    ``began`` is what it took over last, and has trained from; None before there is such a thing.
    """

    node: Node
    part: Part
    adapter: Ref
    samples: int
    began: Ref | None = None


@dataclass(kw_only=True)
class Round:
    """What a scheme has to show at the end of a round: the adapters of its model, part by part, and the losses seen.

    ``clients`` are whose mini-batch each of the losses is of. No round comes after the ``last``. ``samples`` are the
    training sequences that a loss was computed of, each as often. ``states`` are, with the model's adapters, all that
    the next round goes on from. ``staleness`` is, of each report of a user in the model, how many models ago it began;
    none where a scheme has no reports.
    """

    number: int
    adapters: Sequence[Ref]
    last: bool = False
    losses: list[Ref] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    samples: int = 0
    states: Sequence[Ref] = ()
    staleness: Sequence[int] = ()
