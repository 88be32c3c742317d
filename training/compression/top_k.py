"""Top-k sparsification: the numbers of largest magnitude are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from training.compression.sparse import Largest

if TYPE_CHECKING:
    from torch import Tensor

    from training.compression.base import Shared
    from training.compression.form import Form


@dataclass(frozen=True, kw_only=True)
class TopK(Largest):
    """The largest numbers, exactly floor(density n) of n (Stich et al. 2018, arXiv 1809.07599); of equals the first.

    One threshold over all layers and head is that of FLASC (Kuo et al. 2024, arXiv 2406.05233), CELLM's method. With
    the encoding ``values`` where they belong is not counted, as in the papers.
    """

    name: ClassVar[str] = "top_k"

    def positions(self, vectors: Tensor, form: Form, shared: Shared) -> Tensor:
        """See ``Sparse``."""
        return self.largest(vectors, form)
