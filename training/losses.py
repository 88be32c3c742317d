"""Cross-entropy of many clients at once, from hidden states: only positions that predict something meet the head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from training.sequences import IGNORED
from training.stacked import Head

MOST_LOGITS_BYTES = 64 * 2**20
"""Logits that exist at once. More are computed chunk by chunk: two thousand positions of 50,000 words take 400 MB."""


def client_losses(
    head: Head,
    hidden: Tensor,
    targets: Tensor,
    clients: int,
    *,
    predictions: int | None = None,
    most_logits_bytes: float | None = None,
) -> Tensor:
    """Each client's mean cross-entropy in nats over what it is to predict, shape (clients,).

    ``hidden`` (clients * b, seq, hidden) as it enters the ``head``; ``targets`` and ``predictions`` as in
    ``predicting_positions``. A client with nothing to predict has loss 0. More than ``most_logits_bytes`` (else
    ``MOST_LOGITS_BYTES``) of logits are computed chunk by chunk.
    """
    rows, expected, index = predicting_positions(hidden, targets, predictions=predictions)
    owner = index // (targets.numel() // clients)
    count = hidden.new_zeros(clients).index_add(0, owner, hidden.new_ones(()).expand(len(owner)))
    most_bytes = MOST_LOGITS_BYTES if most_logits_bytes is None else most_logits_bytes
    total = hidden.new_zeros(clients).index_add(0, owner, _position_losses(head, rows, expected, most_bytes))
    return total / count.clamp(min=1)


def predicting_positions(
    hidden: Tensor, targets: Tensor, *, predictions: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The positions with a target: hidden states, targets, and where they lie.

    ``hidden`` (rows, seq, hidden) and ``targets`` (rows, seq) give (positions, hidden), (positions,) and
    (positions,), the last an index into rows * seq. ``predictions`` is their number where targets are shapes without
    data.
    """
    expected = targets.long().flatten()
    labelled = expected != IGNORED
    found = labelled.nonzero() if predictions is None else torch.nonzero_static(labelled, size=predictions)
    index = found[:, 0]
    return hidden.flatten(0, 1).index_select(0, index), expected.index_select(0, index), index


def logits_by_chunk(head: Head, rows: Tensor, expected: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (chunk, vocabulary or classes) of ``rows`` (positions, hidden), with what is ``expected`` (chunk,)."""
    most = max(1, MOST_LOGITS_BYTES // (head.out_features * rows.element_size()))
    for some, right in zip(rows.split(most), expected.split(most), strict=True):
        yield head(some), right


def _position_losses(head: Head, rows: Tensor, expected: Tensor, most_bytes: float) -> Tensor:
    """Cross-entropy of each position, (positions,); classes are few, and one a row, so their logits go at once."""
    if isinstance(head, nn.Linear) and len(rows) * head.out_features * rows.element_size() > most_bytes:
        losses: Tensor = _ChunkedLosses.apply(rows, expected, head)  # type: ignore[no-untyped-call]
        return losses
    return nn.functional.cross_entropy(head(rows), expected, reduction="none")


class _ChunkedLosses(torch.autograd.Function):
    """The gradient to the hidden states, softmax minus one-hot through the frozen head, is computed in the forward."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, expected: Tensor, head: nn.Linear) -> Tensor:
        """``rows`` (positions, hidden) to the loss of each position."""
        losses, gradients = [], []
        for logits, right in logits_by_chunk(head, rows, expected):
            log_p = logits.log_softmax(-1)
            del logits  # no chunk outlives its turn: that would be one more beside the next
            places = right[:, None]
            losses.append(-log_p.gather(1, places)[:, 0])
            p_minus_one_hot = log_p.exp_().scatter_add_(1, places, log_p.new_full(places.shape, -1.0))
            gradients.append(p_minus_one_hot @ head.weight)
            del log_p, p_minus_one_hot
        ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(losses)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """``gradient`` (positions,) times what the forward found."""
        (found,) = ctx.saved_tensors
        return found * gradient[:, None], None, None
