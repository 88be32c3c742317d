"""Optimisers as pure functions: old states in, new states out, for many clients at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from mmap import mmap
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from training.allocator import block

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True, weakref_slot=True, eq=False)
class AdapterState:
    """What one entity trains of an adapter, as an immutable value: its weights and two moments, each (parameters,).

    They lie together as ``held``, (3, parameters); weights that were ``adopted`` stand for the first row. ``trained``
    (parameters,) is true where a parameter learns; None where all do. The others stay as they are.

    There are thousands of users, and a tensor is a kilobyte itself, in pieces that keep the heap from closing the holes
    which passes leave. So what is held for long is bytes of float32, seen as a tensor when it is needed; whoever
    changed their number would leave such tensors without memory.
    """

    held: Tensor | bytearray | mmap = field(repr=False)
    step: int
    adopted: Tensor | None = None
    trained: Tensor | None = None

    @staticmethod
    def of(weights: Tensor, moments: Tensor, step: int, trained: Tensor | None = None) -> AdapterState:
        """The state with these ``weights`` (parameters,) and ``moments`` (2, parameters) after so many steps."""
        import torch  # noqa: PLC0415 - hyper-parameters are known without it

        return AdapterState(held=torch.cat([weights[None], moments]), step=step, trained=trained)

    @staticmethod
    def fresh(weights: Tensor, trained: Tensor | None = None) -> AdapterState:
        """A state before its first step; its moments are one zero, seen as often as needed."""
        zeros = weights.new_zeros(()).expand(3, *weights.shape)
        return AdapterState(held=zeros, step=0, adopted=weights, trained=trained)

    @property
    def numbers(self) -> Tensor:
        """What is held, (3, parameters)."""
        if not isinstance(self.held, bytearray | mmap):
            return self.held
        import torch  # noqa: PLC0415 - hyper-parameters are known without it

        return torch.frombuffer(self.held, dtype=torch.float32).view(3, -1)

    @property
    def weights(self) -> Tensor:
        """The adapter itself, (parameters,)."""
        return self.numbers[0] if self.adopted is None else self.adopted

    @property
    def moments(self) -> Tensor:
        """The first and the second, (2, parameters)."""
        return self.numbers[1:]

    @property
    def first_moment(self) -> Tensor:
        """Where its gradients have pointed, on average, (parameters,)."""
        return self.numbers[1]

    @property
    def second_moment(self) -> Tensor:
        """How large their squares were, on average, (parameters,)."""
        return self.numbers[2]

    def sliced(self, where: slice) -> AdapterState:
        """The state of some of the parameters, as views."""
        adopted, trained = (None if tensor is None else tensor[where] for tensor in (self.adopted, self.trained))
        return replace(self, held=self.numbers[:, where], adopted=adopted, trained=trained)

    def successor(self) -> AdapterState:
        """What a step overwrites to be the next state: a copy, held by nothing else."""
        import torch  # noqa: PLC0415 - hyper-parameters are known without it

        old = self.numbers
        in_bytes = old.device.type == "cpu" and old.dtype == torch.float32 and old.numel() > 0
        held = block(old.nbytes) if in_bytes else torch.empty_like(old, memory_format=torch.contiguous_format)
        copy = replace(self, held=held, adopted=None, step=self.step + 1)
        copy.weights.copy_(self.weights)
        copy.moments.copy_(self.moments)
        return copy

    @staticmethod
    @lru_cache  # thousands of users hold as much: one object for all of them
    def bytes_by_kind(weights_bytes: int, moments: int) -> Mapping[str, int]:
        """What an entity holds while it trains: the adapter, its gradient, so many moments."""
        return MappingProxyType(
            {"adapter": weights_bytes, "gradient": weights_bytes, "optimiser": moments * weights_bytes}
        )


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The states of n clients before a pass, which needs their ``weights`` side by side, (n, parameters).

    ``own`` are the successors of the states, which the step overwrites: each client's stand alone, so that what
    it holds is freed when it has moved on, whoever it shared a pass with.
    """

    weights: Tensor
    own: tuple[AdapterState, ...]

    @staticmethod
    def of(states: Sequence[AdapterState]) -> Stack:
        """Stack ``states``."""
        import torch  # noqa: PLC0415 - hyper-parameters are known without it

        own = tuple(state.successor() for state in states)
        return Stack(weights=torch.stack([state.weights for state in own]), own=own)


@dataclass(frozen=True, kw_only=True)
class Optimiser(ABC):
    """Hyper-parameters, and the step they make; element by element, so that a slice of a state steps as the whole does.

    Raises:
        ValueError: a hyper-parameter with which no step can be taken.
    """

    moments: ClassVar[int]
    """Numbers that are kept beside each weight."""

    lr: float = 1e-3
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("lr", "weight_decay"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} = {getattr(self, name)!r}: must not be negative")

    def step_in_place(self, stack: Stack, gradients: Tensor) -> tuple[AdapterState, ...]:
        """Each state after one step, by its own counter, along its own row of ``gradients`` (n, parameters).

        These are ``stack.own``, which is overwritten. Steps of the slices of a state are slices of its step, to the bit
        where slices fill the kernel's vector lanes (16 numbers at most). What is not trained does not move.
        """
        still = [(row, ~state.trained) for row, state in enumerate(stack.own) if state.trained is not None]
        before = [stack.own[row].weights[untrained] for row, untrained in still]
        if still:
            gradients = gradients.clone()
            for row, untrained in still:
                gradients[row][untrained] = 0
        self._step(stack.own, gradients)
        for (row, untrained), weights in zip(still, before, strict=True):
            stack.own[row].weights[untrained] = weights
        return stack.own

    @abstractmethod
    def _step(self, states: Sequence[AdapterState], gradients: Tensor) -> None:
        """Overwrite weights and moments, the ``step``-th time."""


@dataclass(frozen=True, kw_only=True)
class AdamW(Optimiser):
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101).

    The defaults are PyTorch's, but for no weight decay.
    """

    moments: ClassVar[int] = 2

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_shares(self, "beta1", "beta2")
        if not self.eps >= 0:
            raise ValueError(f"eps = {self.eps!r}: must not be negative")

    def _step(self, states: Sequence[AdapterState], gradients: Tensor) -> None:
        from torch.optim.adamw import adamw  # noqa: PLC0415 - hyper-parameters are known without it

        adamw(
            [state.weights for state in states],
            list(gradients),
            [state.first_moment for state in states],
            [state.second_moment for state in states],
            [],
            list(gradients.new_tensor([float(state.step - 1) for state in states])),
            fused=True,
            amsgrad=False,
            beta1=self.beta1,
            beta2=self.beta2,
            lr=self.lr,
            weight_decay=self.weight_decay,
            eps=self.eps,
            maximize=False,
        )


@dataclass(frozen=True, kw_only=True)
class Sgd(Optimiser):
    """Stochastic gradient descent with momentum, as PyTorch has it: v <- momentum v + g, w <- w - lr v.

    The first moment is v; there is no second.
    """

    moments: ClassVar[int] = 1

    momentum: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_shares(self, "momentum")

    def _step(self, states: Sequence[AdapterState], gradients: Tensor) -> None:
        for state, own in zip(states, gradients, strict=True):
            gradient = own.add(state.weights, alpha=self.weight_decay) if self.weight_decay else own
            state.first_moment.mul_(self.momentum).add_(gradient)
            state.weights.add_(state.first_moment, alpha=-self.lr)


def _require_shares(optimiser: Optimiser, *names: str) -> None:
    for name in names:
        if not 0 <= getattr(optimiser, name) < 1:
            raise ValueError(f"{name} = {getattr(optimiser, name)!r}: must lie in [0, 1)")
