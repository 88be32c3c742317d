"""Random-k sparsification: lots are drawn for the numbers that are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from training.compression.base import Packed, Shared
from training.compression.encodings import EncodingName
from training.compression.sparse import Sparse

if TYPE_CHECKING:
    from torch import Tensor

    from training.compression.form import Form


@dataclass(frozen=True, kw_only=True)
class RandomK(Sparse):
    """floor(density n) of n numbers at random (Konecny et al. 2016, arXiv 1610.05492, their random mask).

    Both sides draw the same lots, so that values alone need be sent. ``unbiased`` ones are scaled up at the receiver by
    n / k, so that on average they are the vector.
    """

    name: ClassVar[str] = "random_k"
    encoding: EncodingName = "values"
    unbiased: bool = True

    @property
    def needs_draw(self) -> bool:
        """See ``Compressor``."""
        return True

    @property
    def contracts(self) -> bool:
        """See ``Compressor``: not if it is scaled up."""
        return not self.unbiased or self.exact

    def positions(self, vectors: Tensor, form: Form, shared: Shared) -> Tensor:
        """See ``Sparse``."""
        return self.known(form, shared).to(vectors.device)

    def known(self, form: Form, shared: Shared) -> Tensor:
        """See ``Sparse``: the lots, drawn alike on every device."""
        import torch  # noqa: PLC0415 - sizes are known without it

        k, n = self.count(form), form.numbers
        rows = [torch.randperm(n, generator=torch.Generator().manual_seed(draw))[:k] for draw in shared.draws]
        return torch.stack(rows).sort(dim=1).values

    def restore(self, packed: Packed) -> Tensor:
        """See ``Compressor``."""
        found = super().restore(packed)
        k = packed["values"].shape[1]
        return found.mul_(packed.form.numbers / k) if self.unbiased and k else found
