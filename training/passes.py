"""One pass over the mini-batches of several clients, from operations and their input values to their results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from training import by_length, phases
from training import labels as wire
from training.in_flight import Graph, InFlight
from training.jobs import HELD
from training.joint_steps import ADAPTER_GRADIENT
from training.optimiser import Stack

if TYPE_CHECKING:
    from training.adapters import Part
    from training.joint_steps import LossAndGradient
    from training.lab import Lab
    from training.optimiser import AdapterState
    from training.steps import Backward, Batch, Forward, LossAndBackward, Phase


def forward(lab: Lab, group: Sequence[Forward], values: Sequence[Sequence[Any]]) -> list[Any]:
    """Activations, and what each client holds for its backward."""
    part, inputs = _entering(lab, group, values)
    adapters = [cast("AdapterState", given[0]).weights for given in values]
    draws = [operation.draw for operation in group]
    held = _held(lab, part, adapters, inputs, draws, frozen_below=group[0].batch is not None)
    outputs = held.output.detach().chunk(len(group))
    graph = Graph(lab.room.hold(held, group[0].saved_bytes(lab) * len(group)), len(group))
    kept = [
        InFlight(graph, place, part, weights, x, draw)
        for place, (weights, x, draw) in enumerate(zip(adapters, inputs, draws, strict=True))
    ]
    results: list[dict[str, Any]] = [
        {"activation": output, HELD: client} for output, client in zip(outputs, kept, strict=True)
    ]
    if group[0].batch is not None:
        for result, targets in zip(results, _targets(lab, group, values), strict=True):
            result["labels"] = wire.to_send(lab.layout, targets)
    return results


def loss_and_backward(lab: Lab, group: Sequence[LossAndBackward], values: Sequence[Sequence[Any]]) -> list[Any]:
    """Each client's mean loss, its step, and the gradient of what arrived."""
    stack = Stack.of([given[0] for given in values])
    if len({operation.shape for operation in group}) > 1:
        batches = [cast("Batch", operation.batch) for operation in group]
        losses, gradient = by_length.loss_and_gradient(lab, stack.weights, batches, lab.tokens_at_once(group[0]))
        arriving = None
    else:
        losses, gradients = _learned(lab, group, values, stack.weights)
        gradient, arriving = gradients.adapter, gradients.arriving
    results = _stepped(lab, stack, gradient, arriving)
    return [result | {"loss": loss} for result, loss in zip(results, losses.tolist(), strict=True)]


def loss_and_gradient(lab: Lab, group: Sequence[LossAndGradient], values: Sequence[Sequence[Any]]) -> list[Any]:
    """Each stream's mean loss, the gradient of its adapter (parameters,), and that of what arrived; nobody steps."""
    weights = torch.stack([given[0].weights for given in values])
    losses, gradients = _learned(lab, group, values, weights)
    found = zip(losses.tolist(), gradients.adapter, strict=True)
    return _shared_out([{"loss": loss, ADAPTER_GRADIENT: own} for loss, own in found], gradients.arriving)


def backward(lab: Lab, group: Sequence[Backward], values: Sequence[Sequence[Any]]) -> list[Any]:
    """Each client's step, through the graph they have in common or through one that is made anew."""
    kept: list[InFlight] = [given[1] for given in values]
    held = kept[0].graph.take(kept)
    if held is None:
        adapters, inputs, draws = zip(*((client.weights, client.x, client.draw) for client in kept), strict=True)
        held = _held(lab, kept[0].part, adapters, inputs, draws, frozen_below=group[0].part.first == 0)
    gradients = phases.backward(held, torch.cat([given[2] for given in values]))
    stack = Stack.of([given[0] for given in values])
    return _stepped(lab, stack, gradients.adapter, gradients.arriving)


def _learned(
    lab: Lab, group: Sequence[LossAndBackward], values: Sequence[Sequence[Any]], weights: Tensor
) -> tuple[Tensor, phases.Gradients]:
    """Losses and gradients of mini-batches of one shape, for adapters with ``weights`` (n, parameters)."""
    part, inputs = _entering(lab, group, values)
    return phases.loss_and_backward(
        lab.model,
        part,
        weights,
        torch.cat(inputs),
        torch.cat(_targets(lab, group, values)),
        draws=[operation.draw for operation in group],
        frozen_below=group[0].batch is not None,
    )


def _entering(lab: Lab, group: Sequence[Phase], values: Sequence[Sequence[Any]]) -> tuple[Part, list[Tensor]]:
    """What there is to run, and what enters it for each client: of its batch, or as it arrived."""
    if group[0].batch is None:
        return group[0].part, [given[1] for given in values]
    batches = [cast("Batch", operation.batch) for operation in group]
    rows = [row for batch in batches for row in batch.rows]
    part, x = lab.train_rows.enter(lab.model, group[0].part, rows, batches[0].length)
    return part, list(x.chunk(len(group)))


def _targets(lab: Lab, group: Sequence[Phase], values: Sequence[Sequence[Any]]) -> list[Tensor]:
    """Each client's targets (b, seq): of its batch, or as they arrived."""
    if group[0].batch is None:
        return [wire.received(lab.layout, given[2], group[0].shape[1]) for given in values]
    batches = [cast("Batch", operation.batch) for operation in group]
    return [lab.train_rows.targets(lab.model, batch.rows, batch.length) for batch in batches]


def _held(
    lab: Lab, part: Part, adapters: Sequence[Tensor], inputs: Sequence[Tensor], draws: Sequence[int], frozen_below: bool
) -> phases.Held:
    """Forward of clients side by side."""
    return phases.forward(
        lab.model, part, torch.stack(list(adapters)), torch.cat(list(inputs)), draws, frozen_below=frozen_below
    )


def _stepped(lab: Lab, stack: Stack, gradient: Tensor, arriving: Tensor | None) -> list[dict[str, Any]]:
    """Each client's adapter after its step along its row of ``gradient``, and its share of ``arriving``."""
    return _shared_out([{"adapter": state} for state in lab.optimiser.step_in_place(stack, gradient)], arriving)


def _shared_out(results: list[dict[str, Any]], arriving: Tensor | None) -> list[dict[str, Any]]:
    """``results`` of clients, each with its share of ``arriving``, the gradient of what arrived."""
    if arriving is not None:
        for result, own in zip(results, arriving.chunk(len(results)), strict=True):
            result["gradient"] = own
    return results
