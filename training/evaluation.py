"""How good is an adapter? Loss and next-token accuracy on held-out text."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.losses import labelled_positions, logits_by_chunk
from training.metrics import Metrics, Score
from training.operations import ROWS_AT_ONCE
from training.sequences import Sequences
from training.split_model import SplitModel


def evaluate(model: SplitModel, adapter: Tensor, data: Sequences) -> Metrics:
    """Evaluate the whole model with ``adapter`` (parameters,) on every row of ``data``."""
    starts = range(0, len(data), ROWS_AT_ONCE)
    return Metrics.of([score(model, adapter, data, start, start + ROWS_AT_ONCE) for start in starts])


@torch.inference_mode()
def score(model: SplitModel, adapter: Tensor, data: Sequences, first: int, last: int) -> Score:
    """Sums over the rows ``first .. last-1`` of ``data``."""
    ids, targets = (torch.from_numpy(array[first:last]).to(adapter.device) for array in (data.ids, data.targets))
    matrices = model.layout.matrices(model.whole, adapter[None])
    hidden, expected, _ = labelled_positions(model.forward(model.whole, matrices, ids), targets)
    loss, hits = 0.0, 0
    for logits, next_tokens in logits_by_chunk(model.head, hidden, expected):
        loss += nn.functional.cross_entropy(logits, next_tokens, reduction="sum").item()
        hits += int((logits.argmax(-1) == next_tokens).sum())
    return Score(loss=loss, hits=hits, tokens=len(expected))
