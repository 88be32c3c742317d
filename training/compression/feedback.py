"""Error feedback: what compression has left out is added to the next vector of the same sender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from training.compression.base import NOTHING, Shared

if TYPE_CHECKING:
    from torch import Tensor

    from training.compression.base import Compressor, Packed
    from training.compression.form import Form


class Sent(NamedTuple):
    """What goes over the wire, what the receiver has of it, and what is left for the next time, (n, numbers) each."""

    packed: Packed
    restored: Tensor
    residual: Tensor


@dataclass(frozen=True, kw_only=True)
class ErrorFeedback:
    """A compressor with a memory (Seide et al. 2014; Karimireddy et al. 2019, arXiv 1901.09847).

    The residual, zero at first, is a state of the sender that is handed in and out: what has been sent and the residual
    add up to all vectors.
    """

    inner: Compressor

    def send(self, vectors: Tensor, residual: Tensor | None, form: Form, shared: Shared = NOTHING) -> Sent:
        """Compress ``vectors`` (n, numbers) and what is left of those before them."""
        wanted = vectors if residual is None else vectors + residual
        packed = self.inner.compress(wanted, form, shared)
        restored = self.inner.restore(packed)
        return Sent(packed, restored, wanted - restored)
