"""CELLM: sparse messages down and up, dense training in between."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from cosim.nodes import User
from cosim.scenario.section import default
from cosim.schemes.fedopt import FedOpt
from cosim.schemes.masked import MaskedOptions, MaskedRounds, Share, Shares, decayed, read_shares
from cosim.schemes.options import SchemeOptions

if TYPE_CHECKING:
    from training.jobs import Job, Ref


class CellmOptions(MaskedOptions):
    """How dense the messages are; with several densities, users are tiers."""

    download: Shares = default("1/4", "share of an adapter's numbers on its way down; [1/16, 1/4, 1] are dealt in turn")
    upload: Shares = default("1/4", "share of them on its way up")
    decay: Share = default(1.0, "densities of a round as a share of those of the round before")


class Cellm(MaskedRounds):
    """CELLM (arXiv 2407.20557), by the method of FLASC (Kuo et al. 2024, arXiv 2406.05233; Raje, CMU-CS-24-123).

    Users begin from P * m, where m is made anew in every round, and train all numbers. Of what they have moved from
    there they send the largest magnitudes, at a mask of their own, and forget the rest: there is no error feedback.
    """

    Options: ClassVar[type[SchemeOptions]] = CellmOptions

    def densities(self, number: int) -> tuple[Fraction, ...]:
        """See ``MaskedRounds``: of the download."""
        return decayed(read_shares(self.options.download), self.options.decay, number - 1)

    def renewed(self, number: int) -> bool:
        """See ``MaskedRounds``: always."""
        return True

    def begin(self, user: User, received: Sequence[Ref]) -> Job:
        """See ``FedOpt``: all is trained."""
        return FedOpt.begin(self, user, received)

    def report(self, user: User, delta: Ref) -> list[Ref]:
        """See ``FedOpt``: the largest of what the user has moved, and where they are."""
        density = self.upload_density(user, self._round.number)
        if density == 1:
            return [delta]
        count = self.count(self.tier(user), density)
        mask = self.learning.mask_largest(self.part, delta, count)
        return [self.learning.masked(delta, mask, count), *self.positions(user, mask, count)]

    def upload_density(self, user: User, number: int) -> Fraction:
        """The share of the user's delta that is sent in round ``number``."""
        uploads = decayed(read_shares(self.options.upload), self.options.decay, number - 1)
        return uploads[user.index % len(uploads)]

    def least_density(self, user: User, number: int) -> Fraction:
        """See ``MaskedRounds``."""
        return min(super().least_density(user, number), self.upload_density(user, number))
