"""Next-token cross-entropy of many clients at once, from hidden states: only labelled positions meet the head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from training.sequences import IGNORED

MOST_LOGITS_BYTES = 64 * 2**20
"""Logits that exist at once. More are computed chunk by chunk: two thousand positions of 50,000 words take 400 MB."""


def client_losses(head: nn.Linear, hidden: Tensor, targets: Tensor, clients: int, *, labelled: bool = False) -> Tensor:
    """Each client's mean cross-entropy in nats of predicting its next tokens, shape (clients,).

    ``hidden`` (clients * b, seq, hidden) as it enters the frozen ``head``; ``targets`` and ``labelled`` as in
    ``labelled_positions``. A client with nothing but padding has loss 0.
    """
    rows, expected, index = labelled_positions(hidden, targets, labelled=labelled)
    owner = index // (targets.numel() // clients)
    count = hidden.new_zeros(clients).index_add(0, owner, hidden.new_ones(()).expand(len(owner)))
    total = hidden.new_zeros(clients).index_add(0, owner, _position_losses(head, rows, expected))
    return total / count.clamp(min=1)


def labelled_positions(hidden: Tensor, targets: Tensor, *, labelled: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """The positions whose next token is to be predicted: hidden states, next tokens, and where they lie.

    ``hidden`` (rows, seq, hidden) and ``targets`` (rows, seq) give (positions, hidden), (positions,) and
    (positions,), the last an index into rows * seq. Positions with target -100 do not count; ``labelled`` says that
    there are none, so that shapes do not depend on data.
    """
    following = targets[:, 1:].long().flatten()
    index = torch.arange(targets.numel(), device=targets.device).view(targets.shape)[:, :-1].flatten()
    if not labelled:
        counts = following != IGNORED
        following, index = following[counts], index[counts]
    return hidden.flatten(0, 1).index_select(0, index), following, index


def logits_by_chunk(head: nn.Linear, rows: Tensor, expected: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (chunk, vocabulary) of ``rows`` (positions, hidden), with the ``expected`` tokens (chunk,)."""
    most = max(1, MOST_LOGITS_BYTES // (head.out_features * rows.element_size()))
    for some, next_tokens in zip(rows.split(most), expected.split(most), strict=True):
        yield head(some), next_tokens


def _position_losses(head: nn.Linear, rows: Tensor, expected: Tensor) -> Tensor:
    """Cross-entropy of each position, (positions,)."""
    if len(rows) * head.out_features * rows.element_size() > MOST_LOGITS_BYTES:
        losses: Tensor = _ChunkedLosses.apply(rows, expected, head)  # type: ignore[no-untyped-call]
        return losses
    return nn.functional.cross_entropy(head(rows), expected, reduction="none")


class _ChunkedLosses(torch.autograd.Function):
    """The gradient to the hidden states, softmax minus one-hot through the frozen head, is computed in the forward."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, expected: Tensor, head: nn.Linear) -> Tensor:
        """``rows`` (positions, hidden) to the loss of each position."""
        losses, gradients = [], []
        for logits, next_tokens in logits_by_chunk(head, rows, expected):
            log_p = logits.log_softmax(-1)
            del logits  # no chunk outlives its turn: that would be one more beside the next
            places = next_tokens[:, None]
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
