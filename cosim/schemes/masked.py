"""Rounds in which the server sends the largest numbers of its adapter only: masks, tiers of users, and messages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from pydantic import BeforeValidator

from cosim.nodes import User
from cosim.scenario.section import default
from cosim.schemes.fedopt import FedOpt, FedOptOptions
from cosim.schemes.options import SchemeOptions
from training.compression.density import kept, read_density
from training.compression.encodings import EncodingName, encoding
from training.payloads import SCALAR_BYTES

if TYPE_CHECKING:
    from training.adapters import Ranks
    from training.jobs import Job, Ref


def share(given: float | str) -> float | str:
    """A density as a scenario says it, 0.25 or "1/4"; ValueError for any other."""
    try:
        read_density("", given)
    except ValueError:
        raise ValueError("expected a share above 0 and up to 1, such as 1/16") from None
    return given


def _shares(given: Any) -> tuple[float | str, ...]:
    return tuple(share(each) for each in (given if isinstance(given, list | tuple) else (given,)))


Share = Annotated[float | str, BeforeValidator(share, json_schema_input_type=float | str)]
"""A density."""
Shares = Annotated[
    tuple[float | str, ...], BeforeValidator(_shares, json_schema_input_type=float | str | tuple[float | str, ...])
]
"""A density, or several that are dealt to the users in turn."""


def read_shares(given: Sequence[float | str]) -> tuple[Fraction, ...]:
    """Densities as exact fractions."""
    return tuple(read_density("scheme", density) for density in given)


def decayed(densities: Sequence[Fraction], factor: float | str, times: int) -> tuple[Fraction, ...]:
    """Densities that have become smaller so many times, each time by ``factor``."""
    (kept_share,) = read_shares([factor])
    return tuple(density * kept_share**times for density in densities)


class Tier(NamedTuple):
    """What users have in common to whom the same is sent: their ranks, and which of the densities is theirs."""

    ranks: Ranks | None
    place: int


class Outgoing(NamedTuple):
    """What is sent to a tier: so many ``numbers`` of an adapter, at a mask; of all of them there is no mask."""

    values: Ref
    mask: Ref | None
    numbers: int


class MaskedOptions(FedOptOptions):
    """How the positions of what is sent are written."""

    encoding: EncodingName = default(
        "cheapest", "of positions that the receiver does not know; with values they are not counted, as in the papers"
    )


class MaskedRounds(FedOpt):
    """FedOpt in which users begin from P * m, where m lets the largest magnitudes of the server's P through.

    One threshold is over all layers and head. A subclass says how dense m is in a round, and when it is made anew. The
    positions of m go with the values to whoever has not been told. A user trains and reports what is in m, so that the
    server need not be told; a subclass may have it otherwise. With several densities or ranks, the model is what a user
    of the greatest of both would begin the next round from.
    """

    Options: ClassVar[type[SchemeOptions]] = MaskedOptions
    within_earlier: ClassVar[bool] = False
    """Whether a new mask is a part of the one before."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._encoding = encoding(self.options.encoding)
        self._masks: dict[Tier, Ref | None] = {}
        self._masks_of_round = 0
        self._outgoing: dict[Tier, Outgoing] = {}
        self._told: dict[int, int] = {}
        for user in self.world.users:
            self._require_numbers(user)

    @abstractmethod
    def densities(self, number: int) -> tuple[Fraction, ...]:
        """How dense the masks of round ``number`` (from 1) are, dealt to the users in turn; none is denser than before.

        They are what they were as long as masks are not renewed.
        """

    @abstractmethod
    def renewed(self, number: int) -> bool:
        """Whether round ``number`` begins with new masks."""

    def tier(self, user: User) -> Tier:
        """The user's."""
        return Tier(self.learning.at_most(self.rank_of(user)), user.index % len(self.densities(1)))

    def count(self, tier: Tier, density: Fraction) -> int:
        """How many numbers that share is of an adapter of the tier."""
        return kept(density, self.learning.adapter_numbers(self.part, tier.ranks))

    def model(self) -> Sequence[Ref]:
        """What a user of the densest tier and all ranks would begin from."""
        return [self._outgoing[self._densest].values]

    def states(self) -> Sequence[Ref]:
        """The server's adapter, and the masks."""
        return [self.adapter, *(mask for mask in self._masks.values() if mask is not None)]

    def prepare(self, number: int) -> None:
        """See ``FedOpt``: masks, if it is their time, and what they let through."""
        densities = self.densities(number)
        tiers = dict.fromkeys([self._densest, *(self.tier(user) for user in self.world.users)])
        sizes = {tier: self.count(tier, densities[tier.place]) for tier in tiers}
        adapters = {tier: self.learning.narrow(self.part, self.adapter, tier.ranks) for tier in tiers}
        if self.renewed(number):
            self._masks_of_round = number
            self._masks = {
                tier: None if densities[tier.place] == 1 else self._mask(tier, adapters[tier], sizes[tier])
                for tier in tiers
            }
        self._outgoing = {
            tier: Outgoing(adapters[tier] if mask is None else self.learning.masked(adapters[tier], mask, sizes[tier]),
                           mask, sizes[tier])
            for tier, mask in self._masks.items()
        }  # fmt: skip

    def outgoing(self, user: User) -> list[Ref]:
        """See ``FedOpt``."""
        values, mask, count = self._outgoing[self.tier(user)]
        if mask is None or self._told.get(user.index) == self._masks_of_round:
            return [values]
        self._told[user.index] = self._masks_of_round
        return [values, *self.positions(user, mask, count)]

    def positions(self, user: User, mask: Ref, count: int) -> list[Ref]:
        """The message that says where ``count`` numbers are in an adapter of the user's; none if that takes no byte."""
        numbers = self.learning.adapter_numbers(self.part, self.tier(user).ranks)
        nbytes = self._encoding.nbytes(count, numbers) - SCALAR_BYTES * count
        return [self.learning.message(mask, nbytes, "position")] if nbytes else []

    def dropped(self, user: User) -> None:
        """See ``FedOpt``: it may not have heard of its mask."""
        self._told.pop(user.index, None)

    def begin(self, user: User, received: Sequence[Ref]) -> Job:
        """See ``FedOpt``: nothing but what is in the mask is trained."""
        mask = self._outgoing[self.tier(user)].mask
        if mask is None:
            return super().begin(user, received)
        values, *positions = received
        own = self.stages[user.index].adapter
        return self.learning.begin(self.part, own, [values, *(positions or [mask])], held_to_mask=True)

    def report(self, user: User, delta: Ref) -> list[Ref]:
        """See ``FedOpt``: what is in the mask; the server knows where."""
        return [self.learning.message(delta, SCALAR_BYTES * self._outgoing[self.tier(user)].numbers)]

    def least_density(self, user: User, number: int) -> Fraction:
        """Of what the user receives and sends in round ``number``."""
        return self.densities(number)[self.tier(user).place]

    @property
    def _densest(self) -> Tier:
        densities = self.densities(1)
        return Tier(None, densities.index(max(densities)))

    def _mask(self, tier: Tier, adapter: Ref, count: int) -> Ref:
        earlier = self._masks.get(tier) if self.within_earlier else None
        return self.learning.mask_largest(self.part, adapter, count, earlier)

    def _require_numbers(self, user: User) -> None:
        """Something is sent either way in every round.

        Raises:
            ValueError: it is not.
        """
        least = self.least_density(user, self.last_round + 1)
        if not self.count(self.tier(user), least):
            numbers = self.learning.adapter_numbers(self.part, self.tier(user).ranks)
            raise ValueError(
                f"scheme: a density of {float(least):.3g} lets none of an adapter's {numbers} numbers pass"
            )
