"""Users who take part in some of the rounds, each for a number of mini-batches or for epochs of its own data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import model_validator

from channel_models.randomness import Stream
from cosim.nodes import User
from cosim.scenario.section import Count, default
from cosim.schemes.base import Scheme
from cosim.schemes.options import SchemeOptions

if TYPE_CHECKING:
    from training.steps import Batch


class ParticipationOptions(SchemeOptions):
    """How long a round is for those who take part."""

    local_steps: Count | None = default(None, "mini-batches of each user in a round; else its local_epochs")  # type: ignore[assignment]  # read by ``steps``
    local_epochs: Count | None = default(None, "of a user's own data in a round; 1 without local_steps")

    @model_validator(mode="after")
    def _rounds_have_one_length(self) -> Self:
        if self.local_steps is not None and self.local_epochs is not None:
            raise ValueError(
                f"local_epochs = {self.local_epochs}: local_steps = {self.local_steps} says how long a round is, too; "
                "leave one out (null)"
            )
        return self


class Participation(Scheme):
    """A scheme in which a user's mini-batches go on where it stopped when it last took part."""

    Options: ClassVar[type[SchemeOptions]] = ParticipationOptions

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._taken = [0] * len(self.world.users)

    def steps(self, user: User) -> int:
        """The user's mini-batches in a round."""
        return self.options.local_steps or (self.options.local_epochs or 1) * self.world.batches_an_epoch(user)

    def next_batches(self, user: User) -> Iterator[Batch]:
        """The mini-batches that follow those of the user's last round."""
        first, count = self._taken[user.index], self.steps(user)
        self._taken[user.index] += count
        return self.batches_from(user, first, count)


def sampled(stream: Stream, number: int, users: Sequence[User], count: int | None) -> list[User]:
    """``count`` of ``users`` for round ``number``, uniformly without replacement, in their order; all, for None.

    Every user has a draw of its own, and the lowest ones are chosen: a further user replaces at most one of them.
    """
    if count is None:
        return list(users)
    draws = stream.uniform(np.arange(len(users)), number)
    return [users[index] for index in np.sort(np.argsort(draws, kind="stable")[:count])]
