"""Adapters applied for many clients at once: one frozen matrix, and each client's own product on its own rows.

Rows of one client are consecutive: with n clients, rows ``i * b .. (i + 1) * b - 1`` meet adapter ``i``.
Dropout masks are drawn anew from a seed of each client and site, so that a forward can be redone, cut or joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from training.adapters import AdapterLayout, generator_at


class _StackedLora(torch.autograd.Function):
    """y = x W + b + scale * ((x * mask) A^T) B^T, the products added in place; the frozen W and b get no gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        a: Tensor,
        b: Tensor,
        scale: float,
        mask: Tensor | None,
    ) -> Tensor:
        """``x`` (n, rows, inputs), ``weight`` (inputs, outputs), ``a`` (n, rank, inputs), ``b`` (n, outputs, rank).

        ``mask`` (n, rows, inputs) is true where the product sees ``x``; None where it does everywhere.
        """
        flat = x.flatten(0, 1)
        y = (flat @ weight if bias is None else torch.addmm(bias, flat, weight)).unflatten(0, x.shape[:2])
        seen = x if mask is None else x * mask
        low = (seen @ a.mT).mul_(scale)
        ctx.save_for_backward(seen, weight, a, b, low, mask)
        ctx.scale = scale
        return torch.baddbmm(y, low, b.mT, out=y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None, Tensor, Tensor, None, None]:
        """``gradient`` (n, rows, outputs) to the gradients of ``x``, ``a`` and ``b``."""
        seen, weight, a, b, low, mask = ctx.saved_tensors
        of_low = (gradient @ b).mul_(ctx.scale)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (gradient.flatten(0, 1) @ weight.T).unflatten(0, seen.shape[:2])
            if mask is None:
                torch.baddbmm(of_x, of_low, a, out=of_x)
            else:
                of_x += (of_low @ a).mul_(mask)
        return of_x, None, None, of_low.mT @ seen, gradient.mT @ low, None, None


class _Bound(NamedTuple):
    """For one call: A (n, rank, inputs), B (n, outputs, rank), and a seed for each client's mask, or none."""

    a: Tensor
    b: Tensor
    draws: Sequence[int]


class LoraLinear(nn.Module):
    """A frozen ``Linear`` or ``Conv1D`` plus the low-rank products of whichever adapters are bound for this call."""

    def __init__(self, base: nn.Linear | Conv1D, scale: float, dropout: float = 0.0, index: int = 0) -> None:
        """``dropout`` is a probability; ``index`` is the site's in the layout, and keeps its masks apart."""
        super().__init__()
        self.base = base
        self.scale = scale
        self.dropout = dropout
        self.index = index
        self.bound: _Bound | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (n * b, seq, inputs) to (n * b, seq, outputs); without bound adapters, the frozen layer alone."""
        if self.bound is None:
            return self.base(x)  # type: ignore[no-any-return]
        a, b, draws = self.bound
        rows = x.reshape(len(a), -1, x.shape[-1])
        mask = self._mask(rows, draws) if draws and self.dropout else None
        scale = self.scale if mask is None else self.scale / (1 - self.dropout)
        weight = self.base.weight if isinstance(self.base, Conv1D) else self.base.weight.T
        y: Tensor = _StackedLora.apply(rows, weight, self.base.bias, a, b, scale, mask)  # type: ignore[no-untyped-call]
        return y.view(*x.shape[:-1], -1)

    def _mask(self, rows: Tensor, draws: Sequence[int]) -> Tensor:
        """Where each client's product sees ``rows`` (n, rows, inputs); drawn on the CPU, alike for every device."""
        mask = torch.empty(rows.shape, dtype=torch.bool)
        for own, draw in zip(mask, draws, strict=True):
            uniform = torch.rand(own.shape, generator=generator_at(self.index, draw))
            torch.ge(uniform, self.dropout, out=own)
        return mask.to(rows.device)


class ClientHeads:
    """The heads of n classifiers, W (n, classes, hidden), each for its client's own rows."""

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight
        self.out_features = weight.shape[1]

    def __call__(self, rows: Tensor) -> Tensor:
        """Hidden states ``rows`` (n * b, hidden) to logits (n * b, classes)."""
        own = rows.view(len(self._weight), -1, rows.shape[-1])
        return torch.bmm(own, self._weight.mT).flatten(0, 1)


Head = nn.Linear | ClientHeads
"""From hidden states (positions, hidden) to logits: frozen and common, or trained by each client."""


def inject(model: PreTrainedModel, layout: AdapterLayout) -> list[LoraLinear]:
    """Put a ``LoraLinear`` round every LoRA site of ``model`` (in place); returned in the order of the layout."""
    layers = []
    for index, site in enumerate(layout.lora):
        parent, _, name = site.path.rpartition(".")
        layer = LoraLinear(model.get_submodule(site.path), site.scale, site.dropout, index)
        setattr(model.get_submodule(parent), name, layer)
        layers.append(layer)
    return layers


def bind(layers: Sequence[LoraLinear], matrices: Sequence[Tensor], draws: Sequence[int] = ()) -> None:
    """Hand each layer its A (n, rank, inputs) and B (n, outputs, rank) for the coming call.

    ``draws`` seed the dropout masks, one for each of the n clients; without them nothing is dropped.
    """
    for layer, a, b in zip(layers, matrices[::2], matrices[1::2], strict=True):
        layer.bound = _Bound(a, b, draws)


def unbind(layers: Sequence[LoraLinear]) -> None:
    """Leave the frozen layers alone again."""
    for layer in layers:
        layer.bound = None
