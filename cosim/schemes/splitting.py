"""Options of the schemes that cut the model: where, and who runs what lies beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator

from cosim.nodes import Node, User
from cosim.scenario.compression import SMASHED
from cosim.scenario.section import Count, default
from cosim.schemes.options import SchemeOptions
from cosim.world import World

if TYPE_CHECKING:
    from training.adapters import Part


AUTO = "auto"
"""The word for whichever single cut gives the least delay."""


def read_cuts(given: Any) -> tuple[int, ...]:
    """Cut layers as a scenario says them; ValueError unless they are one or two numbers."""
    cuts = tuple(given) if isinstance(given, list | tuple) else (given,)
    if len(cuts) not in {1, 2} or any(type(cut) is not int or cut < 1 for cut in cuts):
        raise ValueError("expected a number of blocks such as 3, or two that rise such as [2, 6]")
    return cuts


Cuts = Annotated[tuple[int, ...], BeforeValidator(read_cuts, json_schema_input_type=Count | tuple[Count, Count])]
"""Cut layers, one or two; a single one may stand alone."""


class SplitOptions(SchemeOptions):
    """A cut layer counts the blocks before it: ``cut: 3`` leaves the embeddings and blocks 0, 1, 2 to the user."""

    ways = SMASHED | {"upload"}
    differences = False
    cut: Cuts = default(3, "user | main server; two cut layers: user | edge server | cloud")
    main_server: Literal["edge", "cloud"] = default("edge", "who runs the part beyond a single cut")


def holders(options: SplitOptions, world: World, user: User, parts: Sequence[Part]) -> list[Node]:
    """Who runs each of the ``parts`` of the user's mini-batches."""
    if len(parts) == 3:
        return [user, user.edge, world.cloud]
    return [user, user.edge if options.main_server == "edge" else world.cloud]
