"""How good is an adapter? Loss, perplexity and next-token accuracy on held-out text."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.losses import labelled_positions, logits_by_chunk
from training.metrics import Metrics
from training.sequences import Sequences
from training.split_model import SplitModel

_ROWS_AT_ONCE = 16  # about a thousand tokens a call: larger batches gain nothing on a CPU


@torch.inference_mode()
def evaluate(model: SplitModel, adapter: Tensor, data: Sequences) -> Metrics:
    """Evaluate the whole model with ``adapter`` (parameters,) on every row of ``data``."""
    matrices = model.layout.matrices(model.whole, adapter[None])
    loss, correct, tokens = 0.0, 0, 0
    rows = (torch.from_numpy(array).to(adapter.device) for array in (data.ids, data.targets))
    for ids, targets in zip(*(tensor.split(_ROWS_AT_ONCE) for tensor in rows), strict=True):
        hidden, expected, _ = labelled_positions(model.forward(model.whole, matrices, ids), targets)
        for logits, next_tokens in logits_by_chunk(model.head, hidden, expected):
            loss += nn.functional.cross_entropy(logits, next_tokens, reduction="sum").item()
            correct += int((logits.argmax(-1) == next_tokens).sum())
        tokens += len(expected)
    return Metrics(loss=loss / max(tokens, 1), accuracy=correct / max(tokens, 1))
