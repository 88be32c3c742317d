"""What an access policy is told, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Rates = Callable[[int, int], NDArray[np.float64]]
Shares = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Flows:
    """The k transfers under way in a cell, in the order in which they began.

    ``ids`` tells them apart, ``links`` (k,) says whose they are. ``alone_bps`` gives the rates (k, blocks) that each
    would have with the whole cell to itself, from any fading block on. ``epoch`` is another number whenever something
    about them has changed.
    """

    epoch: int
    ids: Sequence[int]
    links: NDArray[np.int64]
    alone_bps: Rates

    def __len__(self) -> int:
        return len(self.links)


class Access(Protocol):
    """Divides one direction of a cell among the transfers in it.

    A share of the band goes with the sender's whole power on the uplink, and with as much of the edge server's power on
    the downlink; a share of the time is one of both, its turns being short beside a fading block.
    """

    @property
    def divides(self) -> Literal["band", "time"]:
        """What the shares are shares of."""
        ...

    def shares(self, flows: Flows, first_block: int, blocks: int) -> Shares:
        """Shares of the cell, at most one together: (k, blocks), or (k, 1) if they are the same in all blocks.

        The same question about the same epoch has the same answer.
        """
        ...
