"""LoRA applied for many clients at once: one frozen matrix, and each client's own low-rank product on its own rows.

Rows of one client are consecutive: with n clients, rows ``i * b .. (i + 1) * b - 1`` meet adapter ``i``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from training.adapters import AdapterLayout


class _StackedLora(torch.autograd.Function):
    """y = x W + b + scale * (x A^T) B^T, the products added in place; the frozen W and b get no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float) -> Tensor:
        """``x`` (n, rows, inputs), ``weight`` (inputs, outputs), ``a`` (n, rank, inputs), ``b`` (n, outputs, rank)."""
        flat = x.flatten(0, 1)
        y = (flat @ weight if bias is None else torch.addmm(bias, flat, weight)).unflatten(0, x.shape[:2])
        low = (x @ a.mT).mul_(scale)
        ctx.save_for_backward(x, weight, a, b, low)
        ctx.scale = scale
        return torch.baddbmm(y, low, b.mT, out=y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None, Tensor, Tensor, None]:
        """``gradient`` (n, rows, outputs) to the gradients of ``x``, ``a`` and ``b``."""
        x, weight, a, b, low = ctx.saved_tensors
        of_low = (gradient @ b).mul_(ctx.scale)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (gradient.flatten(0, 1) @ weight.T).unflatten(0, x.shape[:2])
            torch.baddbmm(of_x, of_low, a, out=of_x)
        return of_x, None, None, of_low.mT @ x, gradient.mT @ low, None


class LoraLinear(nn.Module):
    """A frozen ``Linear`` or ``Conv1D`` plus the low-rank products of whichever adapters are bound for this call."""

    def __init__(self, base: nn.Linear | Conv1D, scale: float) -> None:
        super().__init__()
        self.base = base
        self.scale = scale
        self.bound: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (n * b, seq, inputs) to (n * b, seq, outputs); without bound adapters, the frozen layer alone."""
        if self.bound is None:
            return self.base(x)  # type: ignore[no-any-return]
        a, b = self.bound
        rows = x.reshape(len(a), -1, x.shape[-1])
        weight = self.base.weight if isinstance(self.base, Conv1D) else self.base.weight.T
        y: Tensor = _StackedLora.apply(rows, weight, self.base.bias, a, b, self.scale)  # type: ignore[no-untyped-call]
        return y.view(*x.shape[:-1], -1)


def inject(model: PreTrainedModel, layout: AdapterLayout) -> list[LoraLinear]:
    """Put a ``LoraLinear`` round every site of ``model`` (in place); returned in the order of the layout."""
    layers = []
    for site in layout.sites:
        parent, _, name = site.path.rpartition(".")
        layer = LoraLinear(model.get_submodule(site.path), site.scale)
        setattr(model.get_submodule(parent), name, layer)
        layers.append(layer)
    return layers


def bind(layers: Sequence[LoraLinear], matrices: Sequence[Tensor]) -> None:
    """Hand each layer its A (n, rank, inputs) and B (n, outputs, rank) for the coming call."""
    for layer, a, b in zip(layers, matrices[::2], matrices[1::2], strict=True):
        layer.bound = (a, b)


def unbind(layers: Sequence[LoraLinear]) -> None:
    """Leave the frozen layers alone again."""
    for layer in layers:
        layer.bound = None
