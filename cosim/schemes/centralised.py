"""Centralised training: all data at the cloud, no radio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cosim.schemes.base import Scheme
from cosim.schemes.places import Course, Load
from cosim.schemes.telling import Acts

if TYPE_CHECKING:
    from training.jobs import Ref


class Centralised(Scheme):
    """The reference for accuracy: one model at the cloud sees the mini-batches of all users, one after another.

    Neither radio nor devices have a part in it, nor has what goes wrong with them.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.trained = self.stage(self.world.cloud, self.learning.whole, "own", 0)

    def model(self) -> Sequence[Ref]:
        """The one adapter."""
        return [self.trained.adapter]

    def load(self) -> Load:
        """One user's mini-batches at a time."""
        return Load(alternatives=[[Course.through(user, [self.trained]) for user in self.world.users]])

    def story(self) -> Acts:
        """In each round, each user's mini-batches of that round, the users taking turns."""
        for _ in self.rounds():
            for batches in zip(*(self.batches(user) for user in self.world.users), strict=True):
                for batch in batches:
                    yield from self.train_step([self.trained], batch)
