"""Federated Select: what is sent down is what is trained and sent back."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from cosim.scenario.section import Index, default
from cosim.schemes.masked import MaskedOptions, MaskedRounds, Shares, read_shares
from cosim.schemes.options import SchemeOptions


class FederatedSelectOptions(MaskedOptions):
    """How dense the messages are, both ways; with several densities, users are tiers."""

    density: Shares = default("1/4", "share of an adapter's numbers that travels; [1/16, 1/4, 1] are dealt in turn")
    dense_rounds: Index = default(0, "rounds before the first mask; a mask of the untrained adapter lets no B through")


class FederatedSelect(MaskedRounds):
    """Federated Select (Charles et al. 2022, arXiv 2208.09432) of the largest magnitudes, as FLASC compares with it.

    The mask is made anew in every round; users train nothing else. Where B begins at zero, what is trained without a
    dense round before are A and head only, and the A of a B that stays zero changes nothing.
    """

    Options: ClassVar[type[SchemeOptions]] = FederatedSelectOptions

    def densities(self, number: int) -> tuple[Fraction, ...]:
        """See ``MaskedRounds``."""
        densities = read_shares(self.options.density)
        return (Fraction(1),) * len(densities) if number <= self.options.dense_rounds else densities

    def renewed(self, number: int) -> bool:
        """See ``MaskedRounds``: always."""
        return True
