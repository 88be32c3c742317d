"""Nothing is compressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.compression.base import NOTHING, Compressor, Packed, Shared
from training.payloads import SCALAR_BYTES

if TYPE_CHECKING:
    from torch import Tensor

    from training.compression.form import Form


@dataclass(frozen=True, kw_only=True)
class Exact(Compressor):
    """Every number in single precision, as without compression."""

    @property
    def exact(self) -> bool:
        """See ``Compressor``."""
        return True

    def nbytes(self, form: Form) -> int:
        """See ``Compressor``."""
        return SCALAR_BYTES * form.numbers

    def compress(self, vectors: Tensor, form: Form, shared: Shared = NOTHING) -> Packed:
        """See ``Compressor``."""
        return Packed(form=form, tensors={"values": vectors})

    def restore(self, packed: Packed) -> Tensor:
        """See ``Compressor``."""
        return packed["values"]

    def encode(self, packed: Packed) -> list[bytes]:
        """See ``Compressor``."""
        return [row.astype("<f4").tobytes() for row in packed["values"].cpu().numpy()]

    def decode(self, buffers: Sequence[bytes], form: Form, shared: Shared = NOTHING) -> Packed:
        """See ``Compressor``."""
        import numpy as np  # noqa: PLC0415 - sizes are known without them
        import torch  # noqa: PLC0415

        rows = [np.frombuffer(buffer, "<f4").astype(np.float32) for buffer in buffers]
        return Packed(form=form, tensors={"values": torch.from_numpy(np.stack(rows))})
