"""One attempt to send by radio: it is begun, waited for, and recorded when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import simpy

if TYPE_CHECKING:
    from cosim.cell import Cell, Transfer
    from cosim.clock import Clock
    from cosim.nodes import Node, User
    from cosim.parcel import Parcel
    from cosim.recorder import Delay, Recorder, Story


@dataclass(kw_only=True, eq=False, slots=True)
class Attempt:
    """``parcel``, on the air of ``cell`` from ``start_ns`` on until all is there or the user's link changes."""

    cell: Cell
    user: User
    sender: Node
    kind: Delay
    parcel: Parcel
    start_ns: int
    story: Story
    transfer: Transfer

    @classmethod
    def begin(
        cls, cell: Cell, user: User, sender: Node, kind: Delay, parcel: Parcel, recorder: Recorder, now_ns: int
    ) -> Attempt:
        """Begin to send, as part of the story that is told now."""
        return cls(
            cell=cell,
            user=user,
            sender=sender,
            kind=kind,
            parcel=parcel,
            start_ns=now_ns,
            story=recorder.story,
            transfer=cell.begin(user.index, parcel.nbytes),
        )

    def over(self, clock: Clock) -> simpy.Event:
        """What to wait for."""
        link = self.user.link
        return clock.first_of([self.transfer.done, link.changed]) if link.may_change else self.transfer.done

    def end(self, recorder: Recorder, now_ns: int, cut: simpy.Interrupt | None = None) -> int | None:
        """Record it; how many bytes are there whole if not all are. A story that is ``cut`` short waits no longer."""
        whole = self.transfer.done.triggered
        sent = self.parcel if whole else self.parcel.before(self._stop())
        amounts: dict[str, Any] = {
            **sent.columns,
            "energy_j": self.transfer.done.value if whole else self.transfer.energy_j,
        }
        recorder.add(
            self.story,
            start_ns=self.start_ns,
            end_ns=now_ns,
            node=self.sender.name,
            act="transmitting",
            kind=self.kind,
            reason="" if whole else f"cut off: {self.user.link.obstacle if cut is None else cut.cause}",
            **amounts,
        )
        return None if whole else sent.nbytes

    def _stop(self) -> int:
        """Take it off the air: how many bytes have arrived whole."""
        self.cell.stop(self.transfer)
        return self.parcel.nbytes - ceil(self.transfer.remaining_bits / 8)
