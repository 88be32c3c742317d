"""The phases of a split training step on real tensors: forward, loss and backward, backward.

Pure functions: adapters come in as flat vectors, gradients go out as flat vectors, nothing is updated in place. Between
a part's forward and its backward its autograd graph is ``Held``, as its activations are on the entity that runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.lora import Part
from training.split_model import SplitModel, next_token_loss


@dataclass(frozen=True)
class Held:
    """What a part keeps from forward to backward: the graph from ``leaves`` (and ``arriving``) to ``output``."""

    output: Tensor
    leaves: list[Tensor]
    arriving: Tensor | None


@dataclass(frozen=True)
class Gradients:
    """What a backward pass leaves: for the adapter (parameters,), and for the activation that arrived."""

    adapter: Tensor
    arriving: Tensor | None


def forward(model: SplitModel, part: Part, adapter: Tensor, x: Tensor) -> Held:
    """Run ``part`` on token ids or on a received activation; the output is the activation, or the last's logits."""
    leaves = [matrix.detach().requires_grad_() for matrix in model.layout.matrices(part, adapter)]
    arriving = None if part.first == 0 else x.detach().requires_grad_()
    return Held(model.forward(part, leaves, x if arriving is None else arriving), leaves, arriving)


def backward(held: Held, gradient: Tensor) -> Gradients:
    """Carry the gradient of ``held.output`` back to the adapter and to what arrived."""
    return _gradients(held, held.output, gradient)


def loss_and_backward(
    model: SplitModel, part: Part, adapter: Tensor, x: Tensor, targets: Tensor
) -> tuple[Tensor, Gradients]:
    """The last part's whole turn: logits, mean next-token loss (), and its gradients."""
    held = forward(model, part, adapter, x)
    loss = next_token_loss(held.output, targets)
    return loss.detach(), _gradients(held, loss, None)


def _gradients(held: Held, of: Tensor, gradient: Tensor | None) -> Gradients:
    sources: Sequence[Tensor] = held.leaves if held.arriving is None else [*held.leaves, held.arriving]
    if not of.requires_grad:  # nothing trainable in this part or below it
        return Gradients(torch.zeros(0), None)
    found = torch.autograd.grad(of, sources, gradient)
    flat = [grad.flatten() for grad in found[: len(held.leaves)]]
    return Gradients(torch.cat(flat) if flat else torch.zeros(0), None if held.arriving is None else found[-1])
