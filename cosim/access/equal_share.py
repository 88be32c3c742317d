"""Processor sharing in frequency."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from cosim.access.base import Flows, Shares


class EqualShare:
    """n transfers at a time have 1/n of the band each, whoever they are (OFDMA)."""

    divides: ClassVar[Literal["band"]] = "band"

    def shares(self, flows: Flows, first_block: int, blocks: int) -> Shares:
        """See ``Access.shares``."""
        return np.full((len(flows), 1), 1.0 / len(flows))
