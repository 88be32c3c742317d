"""The phases of a split training step on real tensors: forward, loss and backward, backward.

Pure functions for n clients at once: adapters come in and gradients go out as one flat row a client, nothing is updated
in place. Each client has b rows of every batch, one client's after another's. Between a part's forward and its backward
its autograd graph is ``Held``, as its activations are on the entity that runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.adapters import Part
from training.losses import client_losses
from training.split_model import SplitModel


@dataclass(frozen=True)
class Held:
    """What a part keeps from forward to backward: the graph from ``leaves`` (and ``arriving``) to ``output``."""

    output: Tensor
    clients: int
    leaves: list[Tensor]
    arriving: Tensor | None


@dataclass(frozen=True)
class Gradients:
    """What a backward pass leaves: for the adapters (n, parameters), and for what arrived (n * b, seq, hidden)."""

    adapter: Tensor
    arriving: Tensor | None


def forward(
    model: SplitModel,
    part: Part,
    adapters: Tensor,
    x: Tensor,
    draws: Sequence[int] = (),
    *,
    frozen_below: bool = False,
) -> Held:
    """Run ``part`` with ``adapters`` (n, parameters) on token ids (n * b, seq) or on a received activation.

    ``draws`` seed the dropout masks of each client; without them nothing is dropped. Where all is ``frozen_below``,
    nobody asks for the gradient of what arrived.
    The output (n * b, seq, hidden) is the activation; where the part is the last, it is what enters the head.
    """
    leaves = [matrix.detach().requires_grad_() for matrix in model.layout.matrices(part, adapters)]
    arriving = None if part.first == 0 or frozen_below else x.detach().requires_grad_()
    output = model.forward(part, leaves, x if arriving is None else arriving, draws)
    return Held(output, len(adapters), leaves, arriving)


def backward(held: Held, gradient: Tensor) -> Gradients:
    """Carry the gradient of ``held.output`` back to the adapters and to what arrived."""
    return _gradients(held, held.output, gradient)


def loss_and_backward(
    model: SplitModel,
    part: Part,
    adapters: Tensor,
    x: Tensor,
    targets: Tensor,
    predictions: int | None = None,
    draws: Sequence[int] = (),
    *,
    frozen_below: bool = False,
    most_logits_bytes: float | None = None,
) -> tuple[Tensor, Gradients]:
    """The last part's whole turn: the mean loss of each client (n,), and its gradients.

    ``targets`` (n * b, seq), ``predictions`` and ``most_logits_bytes`` as in ``losses``, ``draws`` and
    ``frozen_below`` as in ``forward``.
    """
    held = forward(model, part, adapters, x, draws, frozen_below=frozen_below)
    losses = client_losses(
        model.head_of(held.leaves),
        held.output,
        targets,
        held.clients,
        predictions=predictions,
        most_logits_bytes=most_logits_bytes,
    )
    return losses.detach(), _gradients(held, losses, torch.ones_like(losses))


def _gradients(held: Held, of: Tensor, gradient: Tensor) -> Gradients:
    sources: Sequence[Tensor] = held.leaves if held.arriving is None else [*held.leaves, held.arriving]
    if not of.requires_grad:  # nothing trainable in this part or below it
        return Gradients(of.new_zeros(held.clients, 0), None)
    found = torch.autograd.grad(of, sources, gradient)
    flat = [grad.flatten(1) for grad in found[: len(held.leaves)]]
    adapter = torch.cat(flat, dim=1) if flat else of.new_zeros(held.clients, 0)
    return Gradients(adapter, None if held.arriving is None else found[-1])
