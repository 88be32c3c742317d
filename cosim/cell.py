"""Transfers over the radio, and what carries them: one direction of the cell of an edge server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import simpy

from cosim.clock import NS_PER_S, Clock

if TYPE_CHECKING:
    from cosim.access.base import Access

HORIZON_NS = 365 * 24 * 3600 * NS_PER_S
"""A transfer that has not ended after a simulated year never will."""


@dataclass(kw_only=True, eq=False, slots=True)
class Transfer:
    """A message on the air.

    ``done`` happens when the last bit is there, its value is the energy in joules that the sender has radiated for it.
    ``remaining_bits`` and ``energy_j`` are up to date once it is done or was stopped; before, they may be older.
    """

    link: int
    done: simpy.Event
    remaining_bits: float
    energy_j: float = 0.0
    stopped: bool = False


class Cell(Protocol):
    """One direction of a cell; how the transfers in it share the band is its own affair."""

    def begin(self, link: int, nbytes: int) -> Transfer:
        """Carry ``nbytes`` over ``link`` from now on.

        Raises:
            TransferNeverFinishes: the channel is so weak that the transfer would not end within a year.
        """
        ...

    def stop(self, transfer: Transfer) -> None:
        """Take a transfer off the air, which then never gets done; nothing happens to one that has ended."""
        ...


class DivisibleCell(Cell, Protocol):
    """One whose band may be divided anew while transfers are under way."""

    def divide(self, access: Access) -> None:
        """From now on the transfers have what ``access`` says."""
        ...


def arrive(clock: Clock, transfer: Transfer, late_ns: int = 0) -> None:
    """The last bit has been sent, and is there so much later, unless the transfer is stopped before."""
    if late_ns:
        clock.at(clock.now_ns + late_ns, lambda: arrive(clock, transfer))
    elif not transfer.stopped:
        transfer.done.succeed(transfer.energy_j)
