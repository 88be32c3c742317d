"""Whole steps of clients whose mini-batches differ in shape: their rows, sorted by length, go through pass by pass.

Every row meets the adapter of its client, as if it were a client of its own; a client's loss and gradient are sums over
its rows, by their shares of its predicted tokens. So a row is padded to the longest of its pass and no further.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training import phases

if TYPE_CHECKING:
    from training.lab import Lab
    from training.steps import Batch


def loss_and_gradient(lab: Lab, weights: Tensor, batches: Sequence[Batch], most_tokens: int) -> tuple[Tensor, Tensor]:
    """Mean losses (n,) of clients with whole adapters ``weights`` (n, parameters), and gradients (n, parameters).

    No pass has more than ``most_tokens``, padding included, unless a single row has.
    """
    rows = np.concatenate([batch.rows for batch in batches])
    owners = np.repeat(np.arange(len(batches)), [len(batch.rows) for batch in batches])
    predicted = lab.train.predicted[rows]
    shares = predicted / np.maximum(np.bincount(owners, weights=predicted), 1)[owners]
    losses, gradient = weights.new_zeros(len(batches)), torch.zeros_like(weights)
    for some in alike(lab.train.tokens[rows], most_tokens):
        mine = [int(row) for row in rows[some]]
        length = int(lab.train.tokens[mine].max())
        part, x = lab.train_rows.enter(lab.model, lab.whole, mine, length)
        targets = lab.train_rows.targets(lab.model, mine, length)
        owner, share = (torch.from_numpy(array[some]).to(weights.device) for array in (owners, shares))
        share = share.to(weights.dtype)
        of_rows, found = phases.loss_and_backward(lab.model, part, weights[owner], x, targets, frozen_below=True)
        losses.index_add_(0, owner, of_rows * share)
        gradient.index_add_(0, owner, found.adapter * share[:, None])
    return losses, gradient


def alike(tokens: NDArray[np.int64], most: int) -> Iterator[NDArray[np.int64]]:
    """Places of rows of ``tokens`` each, shortest first, in as few groups as hold at most ``most`` when padded."""
    order = np.argsort(tokens, kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end - start + 1) * tokens[order[end]] > most:
            yield order[start:end]
            start = end
