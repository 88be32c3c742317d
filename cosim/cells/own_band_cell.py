"""A cell in which each user has a part of the band of its own, until the parts are dealt anew."""

from __future__ import annotations

from cosim.access.base import Access
from cosim.access.dedicated import Dedicated
from cosim.cells.air import Air
from cosim.cells.lanes import LaneCell
from cosim.cells.own_band import OwnBand
from cosim.clock import Clock


class OwnBandCell(LaneCell):
    """Lanes that are parts of a band, under interference that does not change."""

    def __init__(self, *, clock: Clock, air: Air, access: Dedicated, interference_w: float) -> None:
        self._air = air
        self._interference_w = interference_w
        lanes = OwnBand(air=air, access=access, interference_w=interference_w)
        super().__init__(clock=clock, lanes=lanes, on_air_w=lanes.on_air_w, lateness_s=lanes.lateness_s)

    def divide(self, access: Access) -> None:
        """See ``DivisibleCell.divide``; TypeError unless users keep bands of their own."""
        if not isinstance(access, Dedicated):
            raise TypeError(f"expected bands of the users' own, got {type(access).__name__}")
        lanes = OwnBand(air=self._air, access=access, interference_w=self._interference_w)
        self.switch(lanes, lanes.on_air_w, lanes.lateness_s)
