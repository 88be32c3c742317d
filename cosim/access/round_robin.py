"""Processor sharing in time."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from cosim.access.base import Flows, Shares


class RoundRobin:
    """The transfers take the whole band in turn: n at a time have 1/n of the time each, whatever their channels."""

    divides: ClassVar[Literal["time"]] = "time"

    def shares(self, flows: Flows, first_block: int, blocks: int) -> Shares:
        """See ``Access.shares``."""
        return np.full((len(flows), 1), 1.0 / len(flows))
