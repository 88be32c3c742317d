"""A band for each user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.access.base import Flows, Shares

_ROUNDING = 1e-9  # of decimal fractions in a file


@dataclass(frozen=True, kw_only=True, eq=False)
class Dedicated:
    """Each user has a part of the band of its own, whoever else is active; its messages go one after another.

    ``parts`` are given by user, as an allocator makes them; else all users who are ``attached`` have equal ones. Where
    users have come from other cells and the parts of those active exceed the band, all get less in proportion.
    ``powers`` are the parts of their power that users put into their bands on the uplink; all of it unless given.
    ValueError unless there are numbers in (0, 1] for each of so many ``users``, and those attached have one band.
    """

    users: int
    attached: NDArray[np.int64]
    parts: tuple[float, ...] | None = None
    powers: tuple[float, ...] | None = None

    divides: ClassVar[Literal["band"]] = "band"

    def __post_init__(self) -> None:
        for name in ("parts", "powers"):
            given = getattr(self, name)
            if given is not None and not (len(given) == self.users and all(0.0 < part <= 1.0 for part in given)):
                raise ValueError(f"{name} must be {self.users} numbers in (0, 1], one for each user, got {given}")
        if self.parts is not None and (total := float(self.part(self.attached).sum())) > 1.0 + _ROUNDING:
            raise ValueError(f"parts of users {self.attached.tolist()}, who share a cell, add up to {total:g}, not 1")

    def shares(self, flows: Flows, first_block: int, blocks: int) -> Shares:
        """See ``Access.shares``."""
        shares = np.zeros(len(flows))
        _, first = np.unique(flows.links, return_index=True)
        shares[first] = self.part(flows.links[first])
        return (shares / max(1.0, float(shares.sum())))[:, None]

    def part(self, links: NDArray[np.int64]) -> NDArray[np.float64]:
        """The parts (n,) of the band that belong to links (n,)."""
        if self.parts is None:
            return np.full(len(links), 1.0 / max(1, len(self.attached)))
        return np.array(self.parts)[links]

    def power(self, links: NDArray[np.int64]) -> NDArray[np.float64]:
        """The parts (n,) of its power that each of the links (n,) puts into its band on the uplink."""
        return np.ones(len(links)) if self.powers is None else np.array(self.powers)[links]
