"""AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) as a pure function: old states in, new states out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True, weakref_slot=True)
class AdapterState:
    """What one entity trains of an adapter, as an immutable value: weights and AdamW's moments, each (parameters,)."""

    weights: Tensor
    first_moment: Tensor
    second_moment: Tensor
    step: int

    @staticmethod
    def fresh(weights: Tensor) -> AdapterState:
        """A state before its first step; its moments are one zero, seen ``parameters`` times."""
        zeros = weights.new_zeros(()).expand(weights.shape)
        return AdapterState(weights=weights, first_moment=zeros, second_moment=zeros, step=0)

    def sliced(self, where: slice) -> AdapterState:
        """The state of some of the parameters, as views."""
        return replace(
            self,
            weights=self.weights[where],
            first_moment=self.first_moment[where],
            second_moment=self.second_moment[where],
        )

    @staticmethod
    def bytes_by_kind(weights_bytes: int) -> dict[str, int]:
        """What an entity holds while it trains: the adapter, its gradient, the two moments."""
        return {"adapter": weights_bytes, "gradient": weights_bytes, "optimiser": 2 * weights_bytes}


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Copies of the states of n clients as rows of common tensors, each (n, parameters).

    Made before a pass and overwritten by its step, they are what stays of it: what the pass itself needs lies behind
    them in memory and is freed as one piece.
    """

    weights: Tensor
    first_moment: Tensor
    second_moment: Tensor
    steps: tuple[int, ...]

    @staticmethod
    def of(states: Sequence[AdapterState]) -> Stack:
        """Stack ``states``."""
        import torch  # noqa: PLC0415 - hyper-parameters are known without it

        return Stack(
            weights=torch.stack([state.weights for state in states]),
            first_moment=torch.stack([state.first_moment for state in states]),
            second_moment=torch.stack([state.second_moment for state in states]),
            steps=tuple(state.step for state in states),
        )


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """Hyper-parameters; the defaults are PyTorch's, but for the learning rate and no weight decay."""

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0

    def step_in_place(self, stack: Stack, gradients: Tensor) -> list[AdapterState]:
        """Each state after one step, by its own counter, along its own row of ``gradients`` (n, parameters).

        This overwrites ``stack``: the new tensors are rows of common ones, and whoever keeps one of them keeps all n
        alive. Steps of the slices of a state are slices of its step, to the bit where slices fill the kernel's vector
        lanes (16 numbers at most).
        """
        from torch.optim.adamw import adamw  # noqa: PLC0415 - hyper-parameters are known without it

        weights, first, second = stack.weights, stack.first_moment, stack.second_moment
        adamw(
            list(weights),
            list(gradients),
            list(first),
            list(second),
            [],
            list(weights.new_tensor([float(step) for step in stack.steps])),
            fused=True,
            amsgrad=False,
            beta1=self.beta1,
            beta2=self.beta2,
            lr=self.lr,
            weight_decay=self.weight_decay,
            eps=self.eps,
            maximize=False,
        )
        return [
            AdapterState(weights=w.detach(), first_moment=m.detach(), second_moment=v.detach(), step=step + 1)
            for w, m, v, step in zip(weights, first, second, stack.steps, strict=True)
        ]  # detached, a row is half a kilobyte smaller than as autograd's view
