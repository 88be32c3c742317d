"""Masks by magnitude: what is sent is where another vector, that both sides have, is largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from training.compression.encodings import EncodingName
from training.compression.sparse import Largest

if TYPE_CHECKING:
    from torch import Tensor

    from training.compression.base import Shared
    from training.compression.form import Form


@dataclass(frozen=True, kw_only=True)
class MagnitudeMask(Largest):
    """Sends where the reference, weights that both sides have, is largest, so that values alone need be sent.

    The mask is ``renewed`` with the weights, as in Federated Select (Charles et al. 2022, arXiv 2208.09432), or is that
    of the first ones that both sides learned, as in SparseAdapter (He et al. 2022, arXiv 2210.04284), both as FLASC
    (arXiv 2406.05233) reads them. Before there are any, vectors are sent whole.
    """

    name: ClassVar[str] = "magnitude_mask"
    encoding: EncodingName = "values"
    renewed: bool = True

    @property
    def needs_reference(self) -> bool:
        """See ``Compressor``."""
        return True

    @property
    def renews_reference(self) -> bool:
        """See ``Compressor``."""
        return self.renewed

    def positions(self, vectors: Tensor, form: Form, shared: Shared) -> Tensor:
        """See ``Sparse``."""
        return self.known(form, shared)

    def known(self, form: Form, shared: Shared) -> Tensor:
        """See ``Sparse``: where the reference is largest."""
        assert shared.reference is not None  # as ``needs_reference`` asks
        return self.largest(shared.reference, form)
