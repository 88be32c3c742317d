"""Quantisation: whole numbers of few bits, and a scale for each block of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from training.compression.base import NOTHING, Compressor, Packed, Shared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from training.compression.form import Form

Rounding = Literal["nearest", "stochastic"]

_SCALE_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class Quantised(Compressor):
    """Blocks of numbers x as round(x / s) with s = max |x| / ``levels``: absmax quantisation by blocks.

    (Dettmers et al. 2022, arXiv 2110.02861; blocks of 64 as in QLoRA, arXiv 2305.14314.) ``stochastic`` rounding goes
    up as often as the remainder says, so that on average nothing is lost (QSGD, Alistarh et al. 2017, arXiv
    1610.02132). A number that is none spoils its block.
    """

    name: ClassVar[str]
    bits: ClassVar[int]
    block: int = 64
    rounding: Rounding = "nearest"

    def __post_init__(self) -> None:
        if type(self.block) is not int or self.block < 1:
            raise ValueError(f"{self.name}: block = {self.block!r}: expected a number of numbers such as 64")
        if self.rounding not in get_args(Rounding):
            expected = ", ".join(get_args(Rounding))
            raise ValueError(f"{self.name}: rounding = {self.rounding!r}: expected one of {expected}")

    @property
    def levels(self) -> int:
        """Codes go from minus to plus so many."""
        return int(2 ** (self.bits - 1) - 1)

    @property
    def needs_draw(self) -> bool:
        """See ``Compressor``."""
        return self.rounding == "stochastic"

    @property
    def contracts(self) -> bool:
        """See ``Compressor``: a number rounded at random may lose more than itself."""
        return self.rounding == "nearest"

    def nbytes(self, form: Form) -> int:
        """See ``Compressor``."""
        return _SCALE_BYTES * self._blocks(form) + self._code_bytes(form)

    def compress(self, vectors: Tensor, form: Form, shared: Shared = NOTHING) -> Packed:
        """See ``Compressor``."""
        import torch  # noqa: PLC0415 - sizes are known without it

        blocks = self._blocked(vectors, form)
        scales = blocks.abs().amax(dim=2, keepdim=True) / self.levels
        steps = (blocks / scales).nan_to_num_(nan=0.0)  # of a block of zeros
        if self.needs_draw:
            steps = torch.floor(steps + self._dither(steps.shape[1:], shared.draws).to(steps.device))
        codes = steps.round_().clamp_(-self.levels, self.levels).to(torch.int8)
        return Packed(form=form, tensors={"codes": codes.flatten(1)[:, : form.numbers], "scales": scales.squeeze(2)})

    def restore(self, packed: Packed) -> Tensor:
        """See ``Compressor``."""
        scales = packed["scales"]
        blocks = self._blocked(packed["codes"].to(scales.dtype), packed.form)
        return (blocks * scales[..., None]).flatten(1)[:, : packed.form.numbers]

    def encode(self, packed: Packed) -> list[bytes]:
        """See ``Compressor``."""
        rows = zip(packed["scales"].cpu().numpy(), packed["codes"].cpu().numpy(), strict=True)
        return [scales.astype("<f4").tobytes() + self.written(codes).tobytes() for scales, codes in rows]

    def decode(self, buffers: Sequence[bytes], form: Form, shared: Shared = NOTHING) -> Packed:
        """See ``Compressor``."""
        import numpy as np  # noqa: PLC0415 - sizes are known without them
        import torch  # noqa: PLC0415

        end = _SCALE_BYTES * self._blocks(form)
        scales = np.stack([np.frombuffer(buffer[:end], "<f4") for buffer in buffers])
        codes = np.stack([self.read(np.frombuffer(buffer[end:], np.uint8), form.numbers) for buffer in buffers])
        tensors = {"codes": torch.from_numpy(codes), "scales": torch.from_numpy(scales.astype(np.float32))}
        return Packed(form=form, tensors=tensors)

    def written(self, codes: NDArray[np.int8]) -> NDArray[np.uint8]:
        """Codes (numbers,) as bytes."""
        return codes.view("u1")

    def read(self, raw: NDArray[np.uint8], numbers: int) -> NDArray[np.int8]:
        """What ``written`` was given."""
        return raw.view("i1").copy()

    def _blocks(self, form: Form) -> int:
        return -(-form.numbers // self.block)

    def _code_bytes(self, form: Form) -> int:
        return -(-form.numbers * self.bits // 8)

    def _blocked(self, vectors: Tensor, form: Form) -> Tensor:
        """(n, blocks, block), zeros behind the last number."""
        from torch.nn.functional import pad  # noqa: PLC0415

        blocks = self._blocks(form)
        return pad(vectors, (0, blocks * self.block - form.numbers)).view(len(vectors), blocks, self.block)

    @staticmethod
    def _dither(shape: Sequence[int], draws: Sequence[int]) -> Tensor:
        """Uniform in [0, 1), (n, *shape), drawn alike on every device."""
        import torch  # noqa: PLC0415

        return torch.stack([torch.rand(tuple(shape), generator=torch.Generator().manual_seed(draw)) for draw in draws])


@dataclass(frozen=True, kw_only=True)
class Int8(Quantised):
    """Eight bits a number, codes -127 to 127, and a scale a block: about a quarter of the bytes."""

    name: ClassVar[str] = "int8"
    bits: ClassVar[int] = 8


@dataclass(frozen=True, kw_only=True)
class Int4(Quantised):
    """Four bits a number, codes -7 to 7, and a scale a block: about an eighth of the bytes."""

    name: ClassVar[str] = "int4"
    bits: ClassVar[int] = 4

    def written(self, codes: NDArray[np.int8]) -> NDArray[np.uint8]:
        """See ``Quantised``: two to a byte, the first in the low half."""
        import numpy as np  # noqa: PLC0415

        halves = np.zeros((-(-len(codes) // 2), 2), dtype=np.uint8)
        halves.reshape(-1)[: len(codes)] = codes.view("u1") & 0xF
        packed: NDArray[np.uint8] = np.bitwise_or(halves[:, 0], halves[:, 1] << 4, dtype=np.uint8)
        return packed

    def read(self, raw: NDArray[np.uint8], numbers: int) -> NDArray[np.int8]:
        """See ``Quantised``."""
        import numpy as np  # noqa: PLC0415

        halves = np.stack([raw & 0xF, raw >> 4], axis=1).reshape(-1)[:numbers]
        return ((halves ^ 8).astype(np.int8) - 8).astype(np.int8)
