"""What a flat vector is made of: matrices, layer by layer. Needs no torch, so that sizes are known without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

from training.adapters import HeadSite

if TYPE_CHECKING:
    from training.adapters import AdapterLayout, Part, Ranks


class Piece(NamedTuple):
    """A matrix in a flat vector, row by row, and the layer that it belongs to."""

    rows: int
    columns: int
    layer: int = 0

    @property
    def numbers(self) -> int:
        """Its size."""
        return self.rows * self.columns


@dataclass(frozen=True)
class Form:
    """The matrices of which a flat vector consists, one after another; those of one layer stand together."""

    pieces: tuple[Piece, ...]

    @staticmethod
    def flat(numbers: int) -> Form:
        """A vector without structure."""
        return Form((Piece(1, numbers),))

    @cached_property
    def numbers(self) -> int:
        """Length of the vector."""
        return sum(piece.numbers for piece in self.pieces)

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """How many numbers each layer has, in their order."""
        groups = groupby(self.pieces, key=lambda piece: piece.layer)
        return tuple(sum(piece.numbers for piece in group) for _, group in groups)

    def slices(self) -> Iterator[tuple[Piece, slice]]:
        """Each piece, and where it lies in the vector."""
        edges = accumulate((piece.numbers for piece in self.pieces), initial=0)
        for piece, (begin, end) in zip(self.pieces, pairwise(edges), strict=True):
            yield piece, slice(begin, end)


@lru_cache(maxsize=1024)
def adapter_form(layout: AdapterLayout, part: Part, ranks: Ranks | None = None) -> Form:
    """An adapter of ``part``: A and B of each site, layer by layer; a classifier's head is a layer of its own."""
    return Form(
        tuple(
            Piece(*shape, layer=site.block + isinstance(site, HeadSite))
            for site in layout.narrowed(ranks).sites_of(part)
            for shape in site.tensors.values()
        )
    )
