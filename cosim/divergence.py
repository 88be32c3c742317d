"""Training whose loss is no finite number any more: a run ends there, and says where it began."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """In which round which ``loss`` first was not finite, and at whose mini-batch of the round, counted from 1.

    Without ``client`` it is the held-out loss, or the base model's own in round 0. ``kept_round`` is the last round
    known to be sound, whose adapter is kept; None where there is none.
    """

    round: int
    loss: float
    client: str | None
    step: int | None
    kept_round: int | None

    @property
    def said(self) -> str:
        """All of it in words."""
        what = "held-out loss" if self.client is None else f"training loss of {self.client} in step {self.step}"
        kept = "no adapter is kept" if self.kept_round is None else f"the adapter of round {self.kept_round} is kept"
        return f"diverged in round {self.round}: {what} is {self.loss}; {kept}"


class Diverged(ArithmeticError):  # noqa: N818 - what happened to a run, not a fault of the program
    """Ends the story of a run."""

    def __init__(self, found: Divergence) -> None:
        super().__init__(found.said)
        self.found = found


def first_unsound(clients: Sequence[str], losses: Sequence[float]) -> tuple[str, int, float] | None:
    """The first of a round's ``losses`` that is not finite, in their order: its client, its step there, and itself."""
    for place, (client, loss) in enumerate(zip(clients, losses, strict=True)):
        if not math.isfinite(loss):
            return client, clients[: place + 1].count(client), loss
    return None
