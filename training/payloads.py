"""How large things are: what travels, and what training keeps in memory."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from training.jobs import Output, PayloadKind, Ref
from training.optimiser import AdapterState, Optimiser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.adapters import Part, Ranks
    from training.lab import Lab

SCALAR_BYTES = 4
"""Single precision, in memory and on the wire."""
LABEL_BYTES = 4
"""A label travels as a 32-bit integer."""

_payload = lru_cache(maxsize=1024)(Output)  # thousands of users send the same: one object for all of them


def adapter_output(lab: Lab, part: Part, ranks: Ranks | None = None) -> Output:
    """An adapter of ``part`` as a message: its weights."""
    nbytes = SCALAR_BYTES * lab.layout.narrowed(ranks).parameters(part)
    return _payload(nbytes=nbytes, kind="adapter", ranks=ranks)


def state_bytes(adapter: Ref, optimiser: Optimiser) -> Mapping[str, int]:
    """What training ``adapter`` keeps in memory, by kind."""
    return AdapterState.bytes_by_kind(adapter.nbytes, optimiser.moments)


def labels_output(lab: Lab, shape: tuple[int, int]) -> Output:
    """What the far side needs for the loss on a batch of ``shape``: the next tokens, or one class a row."""
    batch, length = shape
    count = batch * length if lab.layout.head is None else batch
    return _payload(nbytes=LABEL_BYTES * count, kind="label")


def activation_output(lab: Lab, shape: tuple[int, int], kind: PayloadKind) -> Output:
    """Smashed data, or its gradient, of a batch of ``shape``."""
    batch, length, hidden = lab.costs.activation_shape(*shape)
    return _payload(nbytes=SCALAR_BYTES * batch * length * hidden, kind=kind)
