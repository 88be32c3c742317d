"""Adapter-LTH: masks that shrink while training goes on."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from cosim.scenario.section import Count, default
from cosim.schemes.masked import MaskedOptions, MaskedRounds, Share, Shares, decayed, read_shares
from cosim.schemes.options import SchemeOptions


class AdapterLthOptions(MaskedOptions):
    """From which density on masks shrink, by how much, and how often."""

    density: Shares = default(1.0, "share of an adapter's numbers that travels in the first rounds")
    decay: Share = default(0.98, "density after a pruning as a share of that before")
    every: Count = default(1, "rounds between prunings")


class AdapterLth(MaskedRounds):
    """Adapters under the lottery ticket hypothesis (Wu and Chen 2022), as FLASC compares with them.

    Again and again the smallest magnitudes are pruned for good; users train and send what is left.
    """

    Options: ClassVar[type[SchemeOptions]] = AdapterLthOptions
    within_earlier: ClassVar[bool] = True

    def densities(self, number: int) -> tuple[Fraction, ...]:
        """See ``MaskedRounds``."""
        return decayed(read_shares(self.options.density), self.options.decay, (number - 1) // self.options.every)

    def renewed(self, number: int) -> bool:
        """See ``MaskedRounds``: at every pruning."""
        return bool((number - 1) % self.options.every == 0)
