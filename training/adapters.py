"""What an adapter is: LoRA matrices at sites of a decoder, one flat vector in the order of the blocks.

Needs no torch, so that what is known of adapters is known at once.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Generator, Tensor

Numbers = TypeVar("Numbers", "NDArray[np.float32]", "Tensor")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Blocks ``first .. last-1`` of the decoder; the first part has the embeddings, the last the norm and the head."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}:{self.last}"


@dataclass(frozen=True, kw_only=True)
class LoraSite:
    """One adapted matrix: y = x W + b + scale * (x A^T) B^T with A (rank, inputs) and B (outputs, rank).

    In training, ``dropout`` is the probability that the product sees a number of x as zero.
    """

    path: str
    block: int
    inputs: int
    outputs: int
    rank: int
    scale: float
    dropout: float = 0.0

    @property
    def parameters(self) -> int:
        """Numbers in A and B together."""
        return self.rank * (self.inputs + self.outputs)


@dataclass(frozen=True)
class AdapterLayout:
    """All sites of an adapter, ordered by block: an adapter is one flat vector, and a part of it is one slice."""

    sites: tuple[LoraSite, ...]

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each site begins in the flat vector; one more entry for its length."""
        ends = [0]
        for site in self.sites:
            ends.append(ends[-1] + site.parameters)
        return tuple(ends)

    def sites_of(self, part: Part) -> tuple[LoraSite, ...]:
        """The sites in the blocks of ``part``."""
        return self.sites[self._places(part)]

    def slice_of(self, part: Part) -> slice:
        """Where the sites of ``part`` lie in the flat vector."""
        places = self._places(part)
        return slice(self.offsets[places.start], self.offsets[places.stop])

    def parameters(self, part: Part) -> int:
        """Length of the flat vector of ``part``."""
        where = self.slice_of(part)
        return int(where.stop - where.start)

    def _places(self, part: Part) -> slice:
        """Where the sites of ``part`` stand among all."""
        return slice(bisect_left(self._blocks, part.first), bisect_left(self._blocks, part.last))

    @cached_property
    def _blocks(self) -> list[int]:
        return [site.block for site in self.sites]

    def matrices(self, part: Part, flat: Tensor) -> list[Tensor]:
        """Views A1 (n, rank, inputs), B1 (n, outputs, rank), A2, ... into the rows of ``flat`` (n, parameters)."""
        views, offset = [], 0
        for site in self.sites_of(part):
            for shape in ((site.rank, site.inputs), (site.outputs, site.rank)):
                views.append(flat[:, offset : offset + math.prod(shape)].unflatten(1, shape))
                offset += math.prod(shape)
        return views

    def initial(self, part: Part, seed: int) -> Tensor:
        """PEFT's default start for ``part``: A Kaiming-uniform with a = sqrt(5), B zero.

        Every site draws from a generator of its own, so the start does not depend on where the model is cut.
        """
        import torch  # noqa: PLC0415 - layouts are known, and results found, without it

        flat = torch.zeros(self.parameters(part))
        views = self.matrices(part, flat[None])
        for site, a in zip(self.sites_of(part), views[::2], strict=True):
            generator = generator_at(self.sites.index(site), seed)
            torch.nn.init.kaiming_uniform_(a[0], a=math.sqrt(5), generator=generator)
        return flat


def generator_at(site: int, seed: int) -> Generator:
    """What the ``site``-th site of a layout draws from under ``seed``: the same numbers wherever the model is cut."""
    import torch  # noqa: PLC0415 - layouts are known, and results found, without it

    return torch.Generator().manual_seed((seed + site * 0x9E3779B1) % 2**63)


def parts_between(cuts: Sequence[int], blocks: int) -> list[Part]:
    """The parts of a decoder of ``blocks`` between the cut layers: ``[3]`` gives blocks 0..2 and 3..L-1.

    Raises:
        ValueError: cuts that do not rise strictly between 0 and L.
    """
    edges = [0, *cuts, blocks]
    if any(a >= b for a, b in pairwise(edges)):
        raise ValueError(f"scheme.cut = {list(cuts)}: cut layers must rise between 1 and {blocks - 1}")
    return [Part(first=a, last=b) for a, b in pairwise(edges)]


def state_dict(layout: AdapterLayout, flat: Numbers) -> dict[str, Numbers]:
    """One whole adapter (parameters,) in PEFT's own names and shapes; views, as arrays or as tensors."""
    named: dict[str, Numbers] = {}
    for site, start in zip(layout.sites, layout.offsets, strict=False):
        middle, end = start + site.rank * site.inputs, start + site.parameters
        named[f"base_model.model.{site.path}.lora_A.weight"] = flat[start:middle].reshape(site.rank, site.inputs)
        named[f"base_model.model.{site.path}.lora_B.weight"] = flat[middle:end].reshape(site.outputs, site.rank)
    return named
