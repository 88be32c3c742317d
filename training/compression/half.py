"""Half precision: sixteen bits a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from training.compression.base import NOTHING, Compressor, Packed, Shared

if TYPE_CHECKING:
    from torch import Tensor

    from training.compression.form import Form

Format = Literal["float16", "bfloat16"]

_BYTES = 2


@dataclass(frozen=True, kw_only=True)
class Half(Compressor):
    """Each number in 16 bits: ``float16`` (11 significant bits, up to 65,504) or ``bfloat16`` (8, up to 3e38).

    What is beyond float16 becomes its largest number, not infinity.
    """

    format: Format = "float16"

    def __post_init__(self) -> None:
        if self.format not in get_args(Format):
            raise ValueError(f"half: format = {self.format!r}: expected one of {', '.join(get_args(Format))}")

    def nbytes(self, form: Form) -> int:
        """See ``Compressor``."""
        return _BYTES * form.numbers

    def compress(self, vectors: Tensor, form: Form, shared: Shared = NOTHING) -> Packed:
        """See ``Compressor``."""
        import torch  # noqa: PLC0415 - sizes are known without it

        kind = getattr(torch, self.format)
        most = torch.finfo(kind).max
        return Packed(form=form, tensors={"values": vectors.clamp(-most, most).to(kind)})

    def restore(self, packed: Packed) -> Tensor:
        """See ``Compressor``."""
        return packed["values"].float()

    def encode(self, packed: Packed) -> list[bytes]:
        """See ``Compressor``."""
        import torch  # noqa: PLC0415

        return [row.astype("<i2").tobytes() for row in packed["values"].view(torch.int16).cpu().numpy()]

    def decode(self, buffers: Sequence[bytes], form: Form, shared: Shared = NOTHING) -> Packed:
        """See ``Compressor``."""
        import numpy as np  # noqa: PLC0415 - sizes are known without them
        import torch  # noqa: PLC0415

        raw = np.stack([np.frombuffer(buffer, "<i2").astype(np.int16) for buffer in buffers])
        return Packed(form=form, tensors={"values": torch.from_numpy(raw).view(getattr(torch, self.format))})
