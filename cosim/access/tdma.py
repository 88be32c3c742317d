"""One transfer after another."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from cosim.access.base import Flows, Shares


class Tdma:
    """One transfer after another has the whole cell until it ends, first come first served."""

    divides: ClassVar[Literal["time"]] = "time"

    def shares(self, flows: Flows, first_block: int, blocks: int) -> Shares:
        """See ``Access.shares``."""
        shares = np.zeros((len(flows), 1))
        shares[0] = 1.0
        return shares
