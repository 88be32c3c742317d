"""Cuts stay."""

from __future__ import annotations

from cosim.cuts.base import Cuts, Fleet


class Fixed:
    """Everybody cuts where it began: the baseline "same split" where all begin alike."""

    scored = False
    timed = False

    def cuts(self, fleet: Fleet) -> Cuts:
        """See ``CutPolicy.cuts``."""
        return fleet.cuts
