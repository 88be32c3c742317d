"""Optimisers as pure functions: old states in, new states out, for many clients at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True, weakref_slot=True)
class AdapterState:
    """What one entity trains of an adapter, as an immutable value: weights and moments, each (parameters,).

    ``tables`` are the tensors (n, parameters) of weights, first and second moments in which those of n entities lie,
    and ``rows`` says where: a tensor of its own is half a kilobyte, and there are thousands of users. ``trained``
    (parameters,) is true where a parameter learns; None where all do. The others stay as they are.
    """

    tables: tuple[Tensor, Tensor, Tensor]
    rows: tuple[int, int, int]
    step: int
    trained: Tensor | None = None

    @staticmethod
    def of(
        weights: Tensor, first_moment: Tensor, second_moment: Tensor, step: int, trained: Tensor | None = None
    ) -> AdapterState:
        """A state with these numbers, each (parameters,), after so many steps."""
        tables = weights[None], first_moment[None], second_moment[None]
        return AdapterState(tables=tables, rows=_in_all(0), step=step, trained=trained)

    @staticmethod
    def fresh(weights: Tensor, trained: Tensor | None = None) -> AdapterState:
        """A state before its first step; its moments are one zero, seen ``parameters`` times."""
        zeros = weights.new_zeros(()).expand(weights.shape)
        return AdapterState.of(weights, zeros, zeros, 0, trained)

    @property
    def weights(self) -> Tensor:
        """The adapter itself."""
        return self.tables[0][self.rows[0]]

    @property
    def first_moment(self) -> Tensor:
        """Where its gradients have pointed, on average."""
        return self.tables[1][self.rows[1]]

    @property
    def second_moment(self) -> Tensor:
        """How large their squares were, on average."""
        return self.tables[2][self.rows[2]]

    def with_weights_of(self, other: AdapterState) -> AdapterState:
        """The own moments beside the weights of another, which are not copied."""
        tables, rows = (other.tables[0], *self.tables[1:]), (other.rows[0], *self.rows[1:])
        return replace(self, tables=tables, rows=rows)

    def sliced(self, where: slice) -> AdapterState:
        """The state of some of the parameters, as views."""
        weights, first_moment, second_moment = (table[:, where] for table in self.tables)
        trained = None if self.trained is None else self.trained[where]
        return replace(self, tables=(weights, first_moment, second_moment), trained=trained)

    @staticmethod
    @lru_cache  # thousands of users hold as much: one object for all of them
    def bytes_by_kind(weights_bytes: int, moments: int) -> Mapping[str, int]:
        """What an entity holds while it trains: the adapter, its gradient, so many moments."""
        return MappingProxyType(
            {"adapter": weights_bytes, "gradient": weights_bytes, "optimiser": moments * weights_bytes}
        )


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
    trained: tuple[Tensor | None, ...]

    @staticmethod
    def of(states: Sequence[AdapterState]) -> Stack:
        """Stack ``states``."""
        import torch  # noqa: PLC0415 - hyper-parameters are known without it

        return Stack(
            weights=torch.stack([state.weights for state in states]),
            first_moment=torch.stack([state.first_moment for state in states]),
            second_moment=torch.stack([state.second_moment for state in states]),
            steps=tuple(state.step for state in states),
            trained=tuple(state.trained for state in states),
        )


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

    def step_in_place(self, stack: Stack, gradients: Tensor) -> list[AdapterState]:
        """Each state after one step, by its own counter, along its own row of ``gradients`` (n, parameters).

        This overwrites ``stack``, whose tensors the new states lie in: whoever keeps one of them keeps all n. Steps of
        the slices of a state are slices of its step, to the bit where slices fill the kernel's vector lanes (16 numbers
        at most). What is not trained does not move.
        """
        still = [(row, ~trained) for row, trained in enumerate(stack.trained) if trained is not None]
        before = [stack.weights[row][untrained] for row, untrained in still]
        if still:
            gradients = gradients.clone()
            for row, untrained in still:
                gradients[row][untrained] = 0
        self._step(stack, gradients)
        for (row, untrained), weights in zip(still, before, strict=True):
            stack.weights[row][untrained] = weights
        tables = stack.weights, stack.first_moment, stack.second_moment
        return [
            AdapterState(tables=tables, rows=_in_all(row), step=step + 1, trained=trained)
            for row, (step, trained) in enumerate(zip(stack.steps, stack.trained, strict=True))
        ]

    @abstractmethod
    def _step(self, stack: Stack, gradients: Tensor) -> None:
        """Overwrite weights and moments."""


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

    def _step(self, stack: Stack, gradients: Tensor) -> None:
        from torch.optim.adamw import adamw  # noqa: PLC0415 - hyper-parameters are known without it

        adamw(
            list(stack.weights),
            list(gradients),
            list(stack.first_moment),
            list(stack.second_moment),
            [],
            list(stack.weights.new_tensor([float(step) for step in stack.steps])),
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

    def _step(self, stack: Stack, gradients: Tensor) -> None:
        if self.weight_decay:
            gradients = gradients.add(stack.weights, alpha=self.weight_decay)
        stack.first_moment.mul_(self.momentum).add_(gradients)
        stack.weights.add_(stack.first_moment, alpha=-self.lr)


@lru_cache
def _in_all(row: int) -> tuple[int, int, int]:
    """The same row of all tables, as one object for whoever lies there."""
    return row, row, row


def _require_shares(optimiser: Optimiser, *names: str) -> None:
    for name in names:
        if not 0 <= getattr(optimiser, name) < 1:
            raise ValueError(f"{name} = {getattr(optimiser, name)!r}: must lie in [0, 1)")
