"""How large messages are, where a paper's constants stand in for the sizes of the tensors."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from cosim.scenario.quantities import Bits
from cosim.scenario.section import Section, default

if TYPE_CHECKING:
    from training.jobs import PayloadKind


class Payloads(Section):
    """Sizes of messages on the air and the wires; null is that of the real tensors. Training is real either way."""

    activation: Bits | None = default(None, "of a mini-batch, on its way up")
    round_activations: Bits | None = default(
        None, "of all mini-batches of a user's round, an equal part each; labels are in it unless they are given"
    )
    gradient: Bits | None = default(None, "of a mini-batch, on its way down")
    adapter: Bits | None = default(None, "either way; the positions of a sparse one come on top")
    label: Bits | None = default(None, "of a mini-batch, beside its activations")

    @model_validator(mode="after")
    def _activations_said_once(self) -> Self:
        if self.activation is not None and self.round_activations is not None:
            raise ValueError("give either activation, of a mini-batch, or round_activations, of all of a round's")
        return self

    def sizes(self, local_steps: int) -> dict[PayloadKind, int]:
        """Bytes by kind of payload, of those that are given, in rounds of so many mini-batches."""
        activation, label = self.activation, self.label
        if self.round_activations is not None:
            activation = self.round_activations / local_steps
            label = label or 0.0
        given: dict[PayloadKind, float | None] = {
            "activation": activation,
            "gradient": self.gradient,
            "adapter": self.adapter,
            "label": label,
        }
        return {kind: ceil(bits / 8) for kind, bits in given.items() if bits is not None}
