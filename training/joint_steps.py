"""One optimiser step for several streams: each learns the gradient of the same adapter, and their mean steps it.

With the mean loss of every stream as its share of a common batch, weighted by what it predicts, that is the step of
large-batch training on the union of their mini-batches.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from training.jobs import Cost, Intern, Operation, Output, Ref, Value, Whole
from training.optimiser import Stack
from training.payloads import SCALAR_BYTES
from training.steps import LossAndBackward, Phase

if TYPE_CHECKING:
    from training.lab import Lab

ADAPTER_GRADIENT = "adapter_gradient"
"""The result that waits for those of the other streams."""


@dataclass(frozen=True, kw_only=True)
class LossAndGradient(LossAndBackward):
    """The last part's turn without the step. Inputs: adapter, received activation, labels.

    It costs what the whole turn does, gradients being added up where the one of a step would lie.
    """

    reads: ClassVar[tuple[str, ...]] = ("model", "train")
    kept: ClassVar[frozenset[str]] = frozenset()

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The loss, the gradient of the adapter, and the gradient to send back."""
        turn = super().outputs(lab, inputs)
        return {name: output for name, output in turn.items() if name != "adapter"} | {ADAPTER_GRADIENT: Output()}

    def wave(self, lab: Lab) -> Hashable:
        """Streams with batches of one shape."""
        return Phase.wave(self, lab)

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """None: this part steps with others than those before it do."""
        return None

    @classmethod
    def run_together(cls, lab: Lab, group: Sequence[Operation], values: Sequence[Sequence[Any]]) -> list[Any]:
        """One pass over all streams of ``group``."""
        from training import passes  # noqa: PLC0415

        return passes.loss_and_gradient(lab, cast("Sequence[LossAndGradient]", group), values)


@dataclass(frozen=True, kw_only=True)
class MeanStep(Operation):
    """A step along the mean of gradients, by ``weights`` that sum to one. Inputs: adapter, then the gradients."""

    reads: ClassVar[tuple[str, ...]] = ("optimiser",)
    kept: ClassVar[frozenset[str]] = frozenset({"adapter"})
    weights: tuple[float, ...]

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The adapter after its step."""
        return {"adapter": inputs[0].output}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """A multiplication and an addition for each number of each gradient."""
        return Cost(flops=2 * len(self.weights) * inputs[0].nbytes // SCALAR_BYTES)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Sum in the order of the inputs, then step."""
        state, *gradients = values
        mean = gradients[0].new_zeros(gradients[0].shape)
        for gradient, weight in zip(gradients, self.weights, strict=True):
            mean.add_(gradient, alpha=weight)
        (stepped,) = lab.optimiser.step_in_place(Stack.of([state]), mean[None])
        return {"adapter": stepped}
