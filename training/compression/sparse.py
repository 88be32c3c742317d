"""Compressors that send some of the numbers as they are, and of the others nothing: they are zero at the receiver."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from training.compression.base import NOTHING, Compressor, Packed, Shared
from training.compression.density import kept, read_density
from training.compression.encodings import EncodingName, encoding

if TYPE_CHECKING:
    from torch import Tensor

    from training.compression.form import Form

Per = Literal["vector", "layer"]
"""Whether a share is of the whole vector, by one threshold, or of each layer by its own."""


@dataclass(frozen=True, kw_only=True)
class Sparse(Compressor):
    """Sends exactly ``count(form)`` numbers of every vector, so that its bytes are known; a subclass says which.

    ``density`` is their share: 0.25, or "1/4".
    """

    name: ClassVar[str]
    """For messages."""
    density: Fraction | float | str
    encoding: EncodingName = "cheapest"

    def __post_init__(self) -> None:
        object.__setattr__(self, "density", read_density(self.name, self.density))
        try:
            encoding(self.encoding)
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from error

    @property
    def share(self) -> Fraction:
        """The density as a number."""
        assert isinstance(self.density, Fraction)  # since ``__post_init__``
        return self.density

    @property
    def exact(self) -> bool:
        """See ``Compressor``: where all are sent."""
        return self.share == 1

    def count(self, form: Form) -> int:
        """How many numbers are sent of a vector of ``form``: the share, rounded down."""
        return kept(self.share, form.numbers)

    @abstractmethod
    def positions(self, vectors: Tensor, form: Form, shared: Shared) -> Tensor:
        """Which are sent of each of ``vectors`` (n, numbers): indices (n, count), ascending."""

    def known(self, form: Form, shared: Shared) -> Tensor | None:
        """What of ``positions`` the receiver knows without being told; nothing, unless a subclass says so."""
        return shared.positions

    def nbytes(self, form: Form) -> int:
        """See ``Compressor``."""
        return encoding(self.encoding).nbytes(self.count(form), form.numbers)

    def compress(self, vectors: Tensor, form: Form, shared: Shared = NOTHING) -> Packed:
        """See ``Compressor``."""
        positions = self.positions(vectors, form, shared)
        return Packed(form=form, tensors={"values": vectors.gather(1, positions), "positions": positions})

    def restore(self, packed: Packed) -> Tensor:
        """See ``Compressor``."""
        values, positions = packed["values"], packed["positions"]
        return values.new_zeros(len(values), packed.form.numbers).scatter_(1, positions, values)

    def encode(self, packed: Packed) -> list[bytes]:
        """See ``Compressor``."""
        rows = zip(packed["values"].cpu().numpy(), packed["positions"].cpu().numpy(), strict=True)
        how, n = encoding(self.encoding), packed.form.numbers
        return [how.encode(values, positions, n) for values, positions in rows]

    def decode(self, buffers: Sequence[bytes], form: Form, shared: Shared = NOTHING) -> Packed:
        """See ``Compressor``."""
        import numpy as np  # noqa: PLC0415 - sizes are known without them
        import torch  # noqa: PLC0415

        how, k, n = encoding(self.encoding), self.count(form), form.numbers
        known = self.known(form, shared)
        told = [None] * len(buffers) if known is None else list(known.cpu().numpy())
        rows = [how.decode(buffer, k, n, own) for buffer, own in zip(buffers, told, strict=True)]
        values, positions = (torch.from_numpy(np.stack(found)) for found in zip(*rows, strict=True))
        return Packed(form=form, tensors={"values": values, "positions": positions})


@dataclass(frozen=True, kw_only=True)
class Largest(Sparse):
    """Sends where some vector is largest: ``per`` vector, by one threshold, or per layer, by its own."""

    per: Per = "vector"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.per not in get_args(Per):
            raise ValueError(f"{self.name}: per = {self.per!r}: expected one of {', '.join(get_args(Per))}")

    def count(self, form: Form) -> int:
        """See ``Sparse``; shares of layers are rounded down one by one."""
        return sum(kept(self.share, numbers) for numbers in self._groups(form))

    def largest(self, vectors: Tensor, form: Form) -> Tensor:
        """Where each of ``vectors`` (n, numbers) has its numbers of largest magnitude: (n, count), ascending."""
        import torch  # noqa: PLC0415

        found, begin = [torch.empty(len(vectors), 0, dtype=torch.int64, device=vectors.device)], 0
        for numbers in self._groups(form):
            own = vectors[:, begin : begin + numbers]
            found.append(largest(own, kept(self.share, numbers)) + begin)
            begin += numbers
        return torch.cat(found, dim=1)

    def _groups(self, form: Form) -> tuple[int, ...]:
        return form.layers if self.per == "layer" else (form.numbers,)


def largest(vectors: Tensor, k: int) -> Tensor:
    """Indices (n, k), ascending, of the k largest magnitudes of each row; of equal ones the first.

    What is no number counts as larger than all: it is never lost in silence.
    """
    import torch  # noqa: PLC0415

    if k == 0:
        return torch.empty(len(vectors), 0, dtype=torch.int64, device=vectors.device)
    magnitudes = vectors.abs().nan_to_num_(nan=float("inf"), posinf=float("inf"))
    least = magnitudes.topk(k, dim=1, sorted=False).values.amin(dim=1, keepdim=True)
    above, ties = magnitudes > least, magnitudes == least
    missing = k - above.sum(dim=1, keepdim=True)
    chosen = above | ties & (ties.cumsum(dim=1) <= missing)
    return chosen.nonzero()[:, 1].view(len(vectors), k)
