"""What an adapter is: LoRA matrices at sites of a decoder, and a classifier's head; one flat vector in their order.

Needs no torch, so that what is known of adapters is known at once.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Generator, Tensor

Numbers = TypeVar("Numbers", "NDArray[np.float32]", "Tensor")


Ranks = tuple[int, ...]
"""The most that each block's rank is in an adapter narrower than its layout: what lies beyond is zero, and stays so.

Zero rows of A and zero columns of B get zero gradients from each other, so that adapters of different ranks share
tensors, passes and averages; on the wire and in memory the narrow one has its own size.
"""


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
    def tensors(self) -> dict[str, tuple[int, int]]:
        """Shapes of A and B, by PEFT's names."""
        return {"lora_A.weight": (self.rank, self.inputs), "lora_B.weight": (self.outputs, self.rank)}

    @property
    def parameters(self) -> int:
        """Numbers in A and B together."""
        return self.rank * (self.inputs + self.outputs)

    def start(self, tensors: Sequence[Tensor], generator: Generator) -> None:
        """PEFT's default: A Kaiming-uniform with a = sqrt(5); B stays zero."""
        from torch.nn import init  # noqa: PLC0415 - layouts are known, and results found, without it

        init.kaiming_uniform_(tensors[0], a=math.sqrt(5), generator=generator)


@dataclass(frozen=True, kw_only=True)
class HeadSite:
    """The head of a classifier, trained in full: y = x W^T with W (outputs, inputs), an output a class.

    ``block`` is the last of the decoder, with which the head goes.
    """

    path: str
    block: int
    inputs: int
    outputs: int
    deviation: float

    @property
    def tensors(self) -> dict[str, tuple[int, int]]:
        """Shape of W, by PEFT's name."""
        return {"weight": (self.outputs, self.inputs)}

    @property
    def parameters(self) -> int:
        """Numbers in W."""
        return self.outputs * self.inputs

    def start(self, tensors: Sequence[Tensor], generator: Generator) -> None:
        """As Hugging Face begins a linear layer: normal, with the configuration's standard deviation."""
        tensors[0].normal_(std=self.deviation, generator=generator)


@dataclass(frozen=True)
class AdapterLayout:
    """All sites of an adapter, ordered by block: an adapter is one flat vector, and a part of it is one slice.

    A classifier's head is the last site, so that it lies in the last part.
    """

    sites: tuple[LoraSite | HeadSite, ...]

    @cached_property
    def lora(self) -> tuple[LoraSite, ...]:
        """The sites of LoRA."""
        return tuple(site for site in self.sites if isinstance(site, LoraSite))

    @property
    def head(self) -> HeadSite | None:
        """The head of a classifier; a language model's is frozen, and no site."""
        last = self.sites[-1] if self.sites else None
        return last if isinstance(last, HeadSite) else None

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each site begins in the flat vector; one more entry for its length."""
        ends = [0]
        for site in self.sites:
            ends.append(ends[-1] + site.parameters)
        return tuple(ends)

    @property
    def frozen_blocks(self) -> int:
        """Blocks below the first adapted one."""
        return self.sites[0].block if self.sites else 0

    @cached_property
    def dropout(self) -> bool:
        """Whether training draws masks."""
        return any(site.dropout for site in self.lora)

    def sites_of(self, part: Part) -> tuple[LoraSite | HeadSite, ...]:
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

    def narrowed(self, ranks: Ranks | None) -> AdapterLayout:
        """The layout of adapters of these ranks; this one, for None."""
        if ranks is None:
            return self
        lora = (replace(site, rank=min(site.rank, ranks[site.block])) for site in self.lora)
        return AdapterLayout((*lora, *self.sites[len(self.lora) :]))

    def narrow(self, part: Part, flat: Tensor, ranks: Ranks) -> Tensor:
        """``flat`` (parameters,) of ``part`` with zeros beyond ``ranks``; the scale of the products stays."""
        cut = flat.clone()
        views = self.matrices(part, cut[None])
        adapted = [site for site in self.sites_of(part) if isinstance(site, LoraSite)]
        for site, a, b in zip(adapted, views[::2], views[1::2], strict=False):  # a classifier's head comes after them
            a[:, ranks[site.block] :] = 0
            b[:, :, ranks[site.block] :] = 0
        return cut

    def matrices(self, part: Part, flat: Tensor) -> list[Tensor]:
        """Views A1 (n, rank, inputs), B1 (n, outputs, rank), A2, ... into the rows of ``flat`` (n, parameters).

        Where the part has a classifier's head, its W (n, outputs, inputs) is the last.
        """
        views, offset = [], 0
        for site in self.sites_of(part):
            for shape in site.tensors.values():
                views.append(flat[:, offset : offset + math.prod(shape)].unflatten(1, shape))
                offset += math.prod(shape)
        return views

    def initial(self, part: Part, seed: int) -> Tensor:
        """Where ``part`` begins, as its sites say.

        Every site draws from a generator of its own, so the start does not depend on where the model is cut.
        """
        import torch  # noqa: PLC0415 - layouts are known, and results found, without it

        flat = torch.zeros(self.parameters(part))
        views = iter(self.matrices(part, flat[None]))
        for site in self.sites_of(part):
            tensors = [next(views)[0] for _ in site.tensors]
            site.start(tensors, generator_at(self.sites.index(site), seed))
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
    start = 0
    for site in layout.sites:
        for name, shape in site.tensors.items():
            end = start + math.prod(shape)
            named[f"base_model.model.{site.path}.{name}"] = flat[start:end].reshape(shape)
            start = end
    return named
