"""How large things are: what travels, and what training keeps in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.jobs import Output, PayloadKind
from training.optimiser import AdapterState

if TYPE_CHECKING:
    from training.adapters import Part
    from training.lab import Lab

SCALAR_BYTES = 4
"""Single precision, in memory and on the wire."""
LABEL_BYTES = 4
"""A target token travels as a 32-bit integer."""


def adapter_output(lab: Lab, part: Part) -> Output:
    """An adapter of ``part`` as a message: its weights."""
    return Output(nbytes=SCALAR_BYTES * lab.layout.parameters(part), kind="adapter")


def state_bytes(lab: Lab, part: Part) -> dict[str, int]:
    """What training the adapter of ``part`` keeps in memory, by kind."""
    return AdapterState.bytes_by_kind(SCALAR_BYTES * lab.layout.parameters(part))


def activation_output(lab: Lab, shape: tuple[int, int], kind: PayloadKind) -> Output:
    """Smashed data, or its gradient, of a batch of ``shape``."""
    batch, length, hidden = lab.costs.activation_shape(*shape)
    return Output(nbytes=SCALAR_BYTES * batch * length * hidden, kind=kind)
