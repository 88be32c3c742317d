"""FFA-LoRA: the A of every site stays as it was drawn, and B alone is trained and travels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cosim.nodes import User
from cosim.schemes.fedopt import FedOpt
from training.payloads import SCALAR_BYTES

if TYPE_CHECKING:
    from training.jobs import Job, Ref


class FfaLora(FedOpt):
    """FFA-LoRA (Sun et al. 2024, arXiv 2403.12313): federated averaging is exact where A is frozen.

    A is drawn from a seed that all know, so that it never travels; a classifier's head is trained and sent with B.
    """

    def outgoing(self, user: User) -> list[Ref]:
        """See ``FedOpt``."""
        (adapter,) = super().outgoing(user)
        return [self._without_a(user, adapter)]

    def begin(self, user: User, received: Sequence[Ref]) -> Job:
        """See ``FedOpt``."""
        mask = self.learning.mask_b(self.part, received[0])
        own = self.stages[user.index].adapter
        return self.learning.begin(self.part, own, [*received, mask], held_to_mask=True)

    def report(self, user: User, delta: Ref) -> list[Ref]:
        """See ``FedOpt``."""
        return [self._without_a(user, delta)]

    def _without_a(self, user: User, adapter: Ref) -> Ref:
        ranks = self.stages[user.index].adapter.output.ranks
        return self.learning.message(adapter, SCALAR_BYTES * self.learning.numbers_beside_a(self.part, ranks))
