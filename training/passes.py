"""One pass over the mini-batches of several clients, from operations and their input values to their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from training import phases
from training.jobs import HELD
from training.optimiser import Stack
from training.sequences import IGNORED

if TYPE_CHECKING:
    from training.adapters import Part
    from training.lab import Lab
    from training.optimiser import AdapterState
    from training.steps import Backward, Batch, Forward, LossAndBackward


class Graph:
    """The graph of one forward pass over several clients, which one backward pass uses up."""

    def __init__(self, held: phases.Held, clients: int) -> None:
        self.held: phases.Held | None = held
        self.clients = clients


@dataclass(frozen=True, eq=False)
class InFlight:
    """What one client keeps from forward to backward: its place in a graph, and what the forward can be redone from."""

    graph: Graph
    place: int
    weights: Tensor
    x: Tensor
    draw: int


def forward(lab: Lab, group: Sequence[Forward], values: Sequence[Sequence[Any]]) -> list[Any]:
    """Activations, and what each client holds for its backward."""
    states: list[AdapterState] = [given[0] for given in values]
    labels: list[dict[str, Tensor]] = [{} for _ in group]
    if group[0].batch is None:
        inputs: list[Tensor] = [given[1] for given in values]
    else:
        batches = [read(lab, cast("Batch", operation.batch)) for operation in group]
        inputs = [ids for ids, _ in batches]
        labels = [{"labels": targets.to(torch.int32)} for _, targets in batches]
    draws = [operation.draw for operation in group]
    held = phases.forward(lab.model, group[0].part, _weights(states), torch.cat(inputs), draws)
    graph = Graph(held, len(group))
    outputs = held.output.detach().chunk(len(group))
    return [
        {"activation": output, HELD: InFlight(graph, place, state.weights, x, draw), **label}
        for place, (state, x, draw, output, label) in enumerate(
            zip(states, inputs, draws, outputs, labels, strict=True)
        )
    ]


def loss_and_backward(lab: Lab, group: Sequence[LossAndBackward], values: Sequence[Sequence[Any]]) -> list[Any]:
    """Each client's mean loss, its step, and the gradient of what arrived."""
    states: list[AdapterState] = [given[0] for given in values]
    if group[0].batch is None:
        batches = [(given[1], given[2]) for given in values]
    else:
        batches = [read(lab, cast("Batch", operation.batch)) for operation in group]
    x, targets = (torch.cat(tensors) for tensors in zip(*batches, strict=True))
    labelled = bool((targets[:, 1:] != IGNORED).all())
    draws = [operation.draw for operation in group]
    stack = Stack.of(states)
    losses, gradients = phases.loss_and_backward(lab.model, group[0].part, stack.weights, x, targets, labelled, draws)
    stepped = lab.optimiser.step_in_place(stack, gradients.adapter)
    results: list[dict[str, Any]] = [
        {"loss": loss, "adapter": state} for loss, state in zip(losses.tolist(), stepped, strict=True)
    ]
    return _with_gradients(results, gradients.arriving)


def backward(lab: Lab, group: Sequence[Backward], values: Sequence[Sequence[Any]]) -> list[Any]:
    """Each client's step, through the graph they have in common or through one that is made anew."""
    part = group[0].part
    states: list[AdapterState] = [given[0] for given in values]
    gradients = phases.backward(
        _graph_of(lab, part, [given[1] for given in values]), torch.cat([given[2] for given in values])
    )
    stepped = lab.optimiser.step_together(states, gradients.adapter)
    return _with_gradients([{"adapter": state} for state in stepped], gradients.arriving)


def read(lab: Lab, batch: Batch) -> tuple[Tensor, Tensor]:
    """Token ids and targets, each (batch, seq)."""
    rows = list(batch.rows)
    ids, targets = (array[rows, : batch.length] for array in (lab.train.ids, lab.train.targets))
    return torch.from_numpy(ids).to(lab.device), torch.from_numpy(targets).to(lab.device)


def _weights(states: Sequence[AdapterState]) -> Tensor:
    """Adapters of several clients, one a row."""
    return torch.stack([state.weights for state in states])


def _graph_of(lab: Lab, part: Part, kept: Sequence[InFlight]) -> phases.Held:
    """The graph that these clients, all and alone, have in common; else, and where it is used up, a new one."""
    graph = kept[0].graph
    together = [(graph, place) for place in range(graph.clients)]
    if graph.held is not None and [(client.graph, client.place) for client in kept] == together:
        held, graph.held = graph.held, None
        return held
    weights = torch.stack([client.weights for client in kept])
    draws = [client.draw for client in kept]
    return phases.forward(lab.model, part, weights, torch.cat([client.x for client in kept]), draws)


def _with_gradients(results: list[dict[str, Any]], arriving: Tensor | None) -> list[dict[str, Any]]:
    if arriving is not None:
        for result, gradient in zip(results, arriving.chunk(len(results)), strict=True):
            result["gradient"] = gradient
    else:
        for result in results:
            result["gradient"] = None
    return results
