"""How good is an adapter? Loss, accuracy and F1 of its predictions on held-out text."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.entrance import Entrance
from training.losses import logits_by_chunk, predicting_positions
from training.metrics import Count, Metrics, Score
from training.operations import ROWS_AT_ONCE
from training.sequences import Sequences
from training.split_model import SplitModel


def evaluate(model: SplitModel, adapter: Tensor, data: Sequences) -> Metrics:
    """Evaluate the whole model with ``adapter`` (parameters,) on every row of ``data``."""
    entrance, rows = Entrance(data, most_bytes=0), range(len(data))
    starts = range(0, len(data), ROWS_AT_ONCE)
    return Metrics.of([score(model, adapter, entrance, rows[start : start + ROWS_AT_ONCE]) for start in starts])


@torch.inference_mode()
def score(model: SplitModel, adapter: Tensor, entrance: Entrance, rows: Sequence[int]) -> Score:
    """Sums over ``rows``, as they come through ``entrance``, cut to the longest of them."""
    length = int(entrance.data.tokens[list(rows)].max())
    part, x = entrance.enter(model, model.whole, rows, length)
    targets = entrance.targets(model, rows, length)
    matrices = model.layout.matrices(part, adapter[None])
    head = model.head_of(matrices)
    hidden, expected, _ = predicting_positions(model.forward(part, matrices, x), targets)
    loss, predicted = 0.0, []
    for logits, right in logits_by_chunk(head, hidden, expected):
        loss += nn.functional.cross_entropy(logits, right, reduction="sum").item()
        predicted.append(logits.argmax(-1))
    found = torch.cat(predicted) if predicted else expected
    counts = () if model.layout.head is None else _counts(found, expected, model.layout.head.outputs)
    return Score(loss=loss, hits=int((found == expected).sum()), predictions=len(expected), counts=counts)


def _counts(predicted: Tensor, right: Tensor, classes: int) -> tuple[Count, ...]:
    """Of each class, from the ``predicted`` and the ``right`` ones (rows,)."""
    of_class = (which.bincount(minlength=classes).tolist() for which in (right[predicted == right], predicted, right))
    return tuple(map(Count, *of_class))
