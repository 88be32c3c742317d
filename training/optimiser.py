"""AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) as a pure function: old state in, new state out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class AdapterState:
    """What one entity trains of an adapter, as an immutable value: weights and AdamW's moments, each (parameters,)."""

    weights: Tensor
    first_moment: Tensor
    second_moment: Tensor
    step: int

    @staticmethod
    def fresh(weights: Tensor) -> AdapterState:
        """A state before its first step."""
        return AdapterState(
            weights=weights, first_moment=torch.zeros_like(weights), second_moment=torch.zeros_like(weights), step=0
        )

    def bytes_by_kind(self) -> dict[str, int]:
        """What an entity holds of it while it trains: the adapter, its gradient, the optimiser's moments."""
        return {
            "adapter": self.weights.nbytes,
            "gradient": self.weights.nbytes,
            "optimiser": self.first_moment.nbytes + self.second_moment.nbytes,
        }


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """Hyper-parameters; the defaults are PyTorch's, but for the learning rate and no weight decay."""

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0

    def step(self, state: AdapterState, gradient: Tensor) -> AdapterState:
        """The state after one step along ``gradient`` (parameters,)."""
        step = state.step + 1
        first = torch.lerp(state.first_moment, gradient, 1 - self.beta1)
        second = (state.second_moment * self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        scale = second.sqrt().div_(math.sqrt(1 - self.beta2**step)).add_(self.eps)
        weights = (state.weights * (1 - self.lr * self.weight_decay)).addcdiv_(
            first, scale, value=-self.lr / (1 - self.beta1**step)
        )
        return AdapterState(weights=weights, first_moment=first, second_moment=second, step=step)
