"""Federated learning: the whole model on every user, adapters averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cosim.nodes import User
from cosim.schemes.asynchronous import AsynchronousScheme
from cosim.schemes.stage import Stage

if TYPE_CHECKING:
    from training.adapters import Part


class Federated(AsynchronousScheme):
    """FedAvg (McMahan et al. 2017, arXiv 1602.05629) of LoRA adapters; no activation leaves a user."""

    def cut(self) -> list[Part]:
        """No cut."""
        return [self.learning.whole]

    def chain(self, user: User) -> list[Stage]:
        """The user alone."""
        return [self.stage(user, self.learning.whole, user.name, user.samples, user.rank)]
