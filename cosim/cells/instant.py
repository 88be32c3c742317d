"""A direction whose transfers take no time, which is how many papers have the downlink."""

from __future__ import annotations

from dataclasses import dataclass

from cosim.cell import Transfer, arrive
from cosim.clock import Clock


@dataclass(frozen=True, kw_only=True, eq=False)
class InstantCell:
    """All is there at once, and costs no energy."""

    clock: Clock

    def begin(self, link: int, nbytes: int) -> Transfer:
        """See ``Cell.begin``."""
        transfer = Transfer(link=link, done=self.clock.event(), remaining_bits=0.0)
        arrive(self.clock, transfer)
        return transfer

    def stop(self, transfer: Transfer) -> None:
        """See ``Cell.stop``."""
        transfer.stopped = True
