"""Low-rank approximation: every matrix as the product of two narrow ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from training.compression.base import NOTHING, Compressor, Packed, Shared
from training.payloads import SCALAR_BYTES

if TYPE_CHECKING:
    from torch import Tensor

    from training.compression.form import Form, Piece


@dataclass(frozen=True, kw_only=True)
class LowRank(Compressor):
    """Each matrix X as (X V) V^T, V its ``rank`` leading right singular vectors: the nearest of that rank.

    (Eckart and Young 1936; of gradients, PowerSGD, Vogels et al. 2019, arXiv 1905.13727, which comes near it by power
    iterations.) A matrix that would not be smaller so is sent whole. An adapter consists of A and B of each site, an
    activation or its gradient of one matrix with a row a token.
    """

    rank: int

    def __post_init__(self) -> None:
        if type(self.rank) is not int or self.rank < 1:
            raise ValueError(f"low_rank: rank = {self.rank!r}: expected a number of columns such as 2")

    def nbytes(self, form: Form) -> int:
        """See ``Compressor``."""
        return SCALAR_BYTES * sum(self._numbers(form))

    def compress(self, vectors: Tensor, form: Form, shared: Shared = NOTHING) -> Packed:
        """See ``Compressor``; the sent numbers (n, sent) are, piece by piece, X V and V, or X."""
        import torch  # noqa: PLC0415 - sizes are known without it

        sent = [vectors[:, :0]]  # of a part without adapters there is nothing
        for piece, where in form.slices():
            whole = vectors[:, where]
            if self._narrows(piece):
                x = whole.unflatten(1, (piece.rows, piece.columns))
                basis = _leading(x, self.rank)
                sent += [(x @ basis).flatten(1), basis.flatten(1)]
            else:
                sent.append(whole)
        return Packed(form=form, tensors={"sent": torch.cat(sent, dim=1)})

    def restore(self, packed: Packed) -> Tensor:
        """See ``Compressor``."""
        import torch  # noqa: PLC0415

        edges = pairwise(accumulate(self._numbers(packed.form), initial=0))
        found = [packed["sent"][:, :0]]
        for piece, (begin, end) in zip(packed.form.pieces, edges, strict=True):
            own = packed["sent"][:, begin:end]
            if self._narrows(piece):
                left, basis = own.split([piece.rows * self.rank, piece.columns * self.rank], dim=1)
                own = (left.unflatten(1, (-1, self.rank)) @ basis.unflatten(1, (-1, self.rank)).mT).flatten(1)
            found.append(own)
        return torch.cat(found, dim=1)

    def encode(self, packed: Packed) -> list[bytes]:
        """See ``Compressor``."""
        return [row.astype("<f4").tobytes() for row in packed["sent"].cpu().numpy()]

    def decode(self, buffers: Sequence[bytes], form: Form, shared: Shared = NOTHING) -> Packed:
        """See ``Compressor``."""
        import numpy as np  # noqa: PLC0415 - sizes are known without them
        import torch  # noqa: PLC0415

        rows = [np.frombuffer(buffer, "<f4").astype(np.float32) for buffer in buffers]
        return Packed(form=form, tensors={"sent": torch.from_numpy(np.stack(rows))})

    def _narrows(self, piece: Piece) -> bool:
        return self.rank * (piece.rows + piece.columns) < piece.numbers

    def _numbers(self, form: Form) -> list[int]:
        """How many numbers are sent of each piece."""
        return [
            self.rank * (piece.rows + piece.columns) if self._narrows(piece) else piece.numbers for piece in form.pieces
        ]


def _leading(x: Tensor, rank: int) -> Tensor:
    """The leading right singular vectors (n, columns, rank) of ``x`` (n, rows, columns), from the smaller Gram matrix.

    In double precision, since squares of singular values have twice the range. What is no number stays none.
    """
    import torch  # noqa: PLC0415

    wide: Tensor = x.double().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)  # X V shows the fault
    if x.shape[1] >= x.shape[2]:
        basis: Tensor = torch.linalg.eigh(wide.mT @ wide).eigenvectors[..., -rank:]
    else:
        left = torch.linalg.eigh(wide @ wide.mT).eigenvectors[..., -rank:]
        basis = torch.linalg.qr(wide.mT @ left).Q
    return basis.to(x.dtype)
