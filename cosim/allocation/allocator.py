"""What an allocator is: a way of sharing the uplink band, and maybe a local accuracy of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cosim.allocation.local_accuracy import Sharing, least
from cosim.allocation.per_cell import PerCell
from cosim.allocation.problem import Allocation, DelayProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class Allocator(ABC):
    """Shares the band, and learns to the local accuracy ``eta``; None is whichever suits these shares best.

    ValueError unless ``eta`` is between 0 and 1. The papers' texts fix some local accuracies that the code of their
    figures chooses otherwise, so that each is an option here.
    """

    eta: float | None = None

    in_turn: ClassVar[bool] = False
    """Whether users send one after another, each over the whole band."""

    jumps: ClassVar[bool] = False
    """Whether bands, and with them the delay, jump as the local accuracy changes."""

    def __post_init__(self) -> None:
        if self.eta is not None and not 0.0 < self.eta < 1.0:
            raise ValueError(f"eta must be between 0 and 1, got {self.eta}")

    def allocate(
        self, problem: DelayProblem, eta: float | None = None, cells: NDArray[np.int64] | None = None
    ) -> Allocation:
        """The bands in each drop, for a given local accuracy ``eta`` or for the allocator's.

        ``cells`` (K,) tell whose bands are one and the same: each cell has the problem's; all users are in one if they
        are not given. Raises NoOptimum where the delay falls up to eta = 1, NoAllocation as ``require_room``.
        """
        wanted = self.eta if eta is None else eta
        drops, users = problem.drops(), np.arange(problem.users)
        if cells is None:
            self.require_room(users)
            return least(problem, self.sharing(drops, users), wanted, jumps=self.jumps)
        found = np.unique(cells).tolist()
        members = [users[cells == cell] for cell in found]
        for cell, there in zip(found, members, strict=True):
            self.require_room(there, cell)
        sharings = [self.sharing(drops.among(there), there) for there in members]
        return least(problem, PerCell(sharings, members), wanted, jumps=self.jumps)

    def require_room(self, users: NDArray[np.int64], cell: int = 0) -> None:  # noqa: B027 - most need not say more
        """Raises NoAllocation unless the band of that cell is enough for these ``users``; any band is, as a rule."""

    @abstractmethod
    def sharing(self, drops: DelayProblem, users: NDArray[np.int64]) -> Sharing:
        """How these ``users`` (K,), of whom ``drops`` is, share a band."""
