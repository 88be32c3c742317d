"""The best channel first."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.access.base import Flows, Shares


class MaxRate:
    """In each fading block the transfer with the highest rate has the whole cell; equals share its time.

    R. Knopp and P. Humblet, "Information capacity and power control in single-cell multiuser communications", ICC 1995.
    """

    divides: ClassVar[Literal["time"]] = "time"

    def shares(self, flows: Flows, first_block: int, blocks: int) -> Shares:
        """See ``Access.shares``; a block in which nobody has a rate is left empty."""
        return to_the_best(flows.alone_bps(first_block, blocks))


def to_the_best(merit: NDArray[np.float64]) -> Shares:
    """All of each block to the greatest positive merit (k, blocks), in equal parts to equals."""
    best = (merit == merit.max(axis=0)) & (merit > 0.0)
    shares: Shares = best / np.maximum(best.sum(axis=0), 1)
    return shares
