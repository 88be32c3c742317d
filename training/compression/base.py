"""What a compressor is: vectors in, something small out, of a size that is known before the values are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from training.compression.form import Form


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What sender and receiver both know, so that it is not sent.

    ``draws`` are a seed for each of n vectors, ``reference`` (n, numbers) is another vector for each, and ``positions``
    (n, k) say which numbers are sent, ascending, where something else has settled that.
    """

    draws: Sequence[int] = ()
    reference: Tensor | None = None
    positions: Tensor | None = None


NOTHING = Shared()
"""Nothing in common but the form."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """n compressed vectors of one form: named tensors, each with a row a vector.

    Not all of them need be on the wire: positions that the receiver knows are among them, too.
    """

    form: Form
    tensors: Mapping[str, Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]


class Compressor(ABC):
    """Packs vectors, n at once, each by itself. Subclasses are frozen dataclasses: equal ones do the same."""

    @property
    def needs_draw(self) -> bool:
        """Whether it draws lots, by ``Shared.draws``."""
        return False

    @property
    def needs_reference(self) -> bool:
        """Whether it goes by another vector, ``Shared.reference``."""
        return False

    @property
    def renews_reference(self) -> bool:
        """Whether that vector is the latest that both sides have, not always the first."""
        return True

    @property
    def exact(self) -> bool:
        """Whether all vectors come back as they were, to the bit."""
        return False

    @property
    def contracts(self) -> bool:
        """Whether what is lost of a vector is never longer than the vector, which error feedback needs to converge."""
        return True

    @abstractmethod
    def nbytes(self, form: Form) -> int:
        """Bytes of one encoded vector of ``form``, whatever its values."""

    @abstractmethod
    def compress(self, vectors: Tensor, form: Form, shared: Shared = NOTHING) -> Packed:
        """Pack ``vectors`` (n, numbers), of 32 bits a number."""

    @abstractmethod
    def restore(self, packed: Packed) -> Tensor:
        """What of the vectors has been kept, (n, numbers) of 32 bits a number."""

    @abstractmethod
    def encode(self, packed: Packed) -> list[bytes]:
        """Each vector as it goes over the wire, in ``nbytes``."""

    @abstractmethod
    def decode(self, buffers: Sequence[bytes], form: Form, shared: Shared = NOTHING) -> Packed:
        """What ``encode`` was given."""

    def passed(self, vectors: Tensor, form: Form, shared: Shared = NOTHING) -> Tensor:
        """What the receiver has of ``vectors`` (n, numbers)."""
        return vectors if self.exact else self.restore(self.compress(vectors, form, shared))
