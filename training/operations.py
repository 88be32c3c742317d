"""The operations that jobs are made of: the phases of a training step, aggregation, evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from training import phases
from training.evaluation import evaluate
from training.jobs import HELD, Cost, Operation, Output, Ref
from training.lab import Lab
from training.lora import Part
from training.optimiser import AdapterState

SCALAR_BYTES = 4
"""Single precision, in memory and on the wire."""
LABEL_BYTES = 4
"""A target token travels as a 32-bit integer."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A mini-batch by reference: rows of the training sequences, all of one length in tokens."""

    rows: tuple[int, ...]
    length: int

    @property
    def shape(self) -> tuple[int, int]:
        """(batch, seq)."""
        return (len(self.rows), self.length)


@dataclass(frozen=True, kw_only=True)
class Start(Operation):
    """The adapter of ``part`` before training: the same numbers wherever the model is cut."""

    part: Part

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The adapter state."""
        return {"adapter": adapter_output(lab, self.part)}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """Nothing worth counting."""
        return Cost()

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Draw it."""
        return {"adapter": AdapterState.fresh(lab.model.layout.initial(self.part, lab.seed))}


@dataclass(frozen=True, kw_only=True)
class Forward(Operation):
    """Forward of a part before the last. Inputs: adapter, and the received activation unless the part is the first.

    The first part reads its batch, and also gives the labels that the far side needs for the loss.
    """

    part: Part
    shape: tuple[int, int]
    batch: Batch | None = None

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The activation to send, what is held for the backward, and the labels."""
        results = {"activation": activation_output(lab, self.shape, "activation"), HELD: Output()}
        if self.batch is not None:
            results["labels"] = Output(nbytes=LABEL_BYTES * self.shape[0] * self.shape[1], kind="label")
        return results

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """The forward half of the measured step."""
        phase, _ = lab.costs.forward_and_backward(self.part, *self.shape)
        return Cost(flops=phase.flops, saved_bytes=phase.saved_bytes, transient_bytes=phase.transient_bytes, keeps=True)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Compute the activation, and keep its graph."""
        state, *arrived = values
        results: dict[str, Any] = {}
        if self.batch is None:
            x = arrived[0]
        else:
            x, targets = read(lab, self.batch)
            results["labels"] = targets.to(torch.int32)
        held = phases.forward(lab.model, self.part, state.weights, x)
        return {"activation": held.output.detach(), HELD: held, **results}


@dataclass(frozen=True, kw_only=True)
class LossAndBackward(Operation):
    """The last part's turn: forward, loss, backward and optimiser step. Inputs: adapter, received activation, labels.

    Where the part is the whole model it reads its batch instead.
    """

    part: Part
    shape: tuple[int, int]
    batch: Batch | None = None

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The loss, the adapter after its step, and the gradient to send back."""
        results = {"loss": Output(), "adapter": adapter_output(lab, self.part)}
        if self.batch is None:
            results["gradient"] = activation_output(lab, self.shape, "gradient")
        return results

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """Forward, head, loss and backward in one."""
        phase = lab.costs.loss_and_backward(self.part, *self.shape)
        return Cost(
            flops=phase.flops,
            saved_bytes=phase.saved_bytes,
            transient_bytes=phase.transient_bytes,
            resident_bytes=state_bytes(lab, self.part),
        )

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Compute the loss and take the step."""
        state, *received = values
        if self.batch is None:
            x, targets = received
        else:
            x, targets = read(lab, self.batch)
        loss, gradients = phases.loss_and_backward(lab.model, self.part, state.weights, x, targets)
        return {
            "loss": loss.item(),
            "adapter": lab.optimiser.step(state, gradients.adapter),
            "gradient": gradients.arriving,
        }


@dataclass(frozen=True, kw_only=True)
class Backward(Operation):
    """Backward and optimiser step of a part before the last. Inputs: adapter, what its forward held, the gradient."""

    part: Part
    shape: tuple[int, int]

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The adapter after its step, and the gradient to send on towards the user."""
        results = {"adapter": adapter_output(lab, self.part)}
        if self.part.first > 0:
            results["gradient"] = activation_output(lab, self.shape, "gradient")
        return results

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """The backward half of the measured step."""
        _, phase = lab.costs.forward_and_backward(self.part, *self.shape)
        return Cost(
            flops=phase.flops,
            transient_bytes=phase.transient_bytes,
            resident_bytes=state_bytes(lab, self.part),
        )

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Carry the gradient back and take the step."""
        state, held, gradient = values
        gradients = phases.backward(held, gradient)
        return {"adapter": lab.optimiser.step(state, gradients.adapter), "gradient": gradients.arriving}


@dataclass(frozen=True, kw_only=True)
class Average(Operation):
    """FedAvg (McMahan et al. 2017): the mean of adapters of one part, by ``weights`` that sum to one."""

    weights: tuple[float, ...]

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The mean adapter."""
        return {"adapter": inputs[0].output}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """A multiplication and an addition for each number received; the mean is kept."""
        flops = 2 * sum(ref.nbytes for ref in inputs) // SCALAR_BYTES
        return Cost(flops=flops, resident_bytes={"adapter": inputs[0].nbytes})

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Sum in the order of the inputs."""
        mean = torch.zeros_like(values[0].weights)
        for state, weight in zip(values, self.weights, strict=True):
            mean.add_(state.weights, alpha=weight)
        return {"adapter": AdapterState.fresh(mean)}


@dataclass(frozen=True, kw_only=True)
class Adopt(Operation):
    """An entity takes over received weights and keeps its own optimiser moments. Inputs: own state, received state."""

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The entity's adapter, with the received weights."""
        return {"adapter": inputs[0].output}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """A copy: nothing worth counting."""
        return Cost()

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Replace the weights."""
        own, received = values
        return {"adapter": replace(own, weights=received.weights)}


@dataclass(frozen=True, kw_only=True)
class Evaluate(Operation):
    """Loss and next-token accuracy on held-out text. Inputs: the adapters of all parts, in their order."""

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The metrics."""
        return {"metrics": Output()}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """Free: evaluation is the observer's, not the simulated network's."""
        return Cost()

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Evaluate the joined adapter."""
        adapter = torch.cat([state.weights for state in values])
        return {"metrics": evaluate(lab.model, adapter, lab.held_out)}


def read(lab: Lab, batch: Batch) -> tuple[Tensor, Tensor]:
    """Token ids and targets, each (batch, seq)."""
    rows = list(batch.rows)
    return torch.from_numpy(lab.train.ids[rows]), torch.from_numpy(lab.train.targets[rows])


def adapter_output(lab: Lab, part: Part) -> Output:
    """An adapter of ``part`` as a message: its weights."""
    return Output(nbytes=SCALAR_BYTES * lab.model.layout.parameters(part), kind="adapter")


def state_bytes(lab: Lab, part: Part) -> dict[str, int]:
    """What training the adapter of ``part`` keeps in memory, by kind."""
    return AdapterState.fresh(torch.empty(lab.model.layout.parameters(part), device="meta")).bytes_by_kind()


def activation_output(lab: Lab, shape: tuple[int, int], kind: Any) -> Output:
    """Smashed data, or its gradient, of a batch of ``shape``."""
    batch, length, hidden = lab.costs.activation_shape(*shape)
    return Output(nbytes=SCALAR_BYTES * batch * length * hidden, kind=kind)
