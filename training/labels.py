"""Labels as they travel to where the loss is computed: 32-bit integers, one a token or one a row.

Of next tokens the targets go as they are. A classifier has one target a row, which goes as the index of the right logit
among all logits (seq, classes) of its row: that says both the class and which token is to predict it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.adapters import AdapterLayout
from training.sequences import IGNORED


def to_send(layout: AdapterLayout, targets: Tensor) -> Tensor:
    """``targets`` (rows, seq) as labels: (rows, seq) of a language model, (rows,) of a classifier."""
    if layout.head is None:
        return targets.to(torch.int32)
    rows, places = (targets != IGNORED).nonzero(as_tuple=True)
    return (places * layout.head.outputs + targets[rows, places]).to(torch.int32)


def received(layout: AdapterLayout, labels: Tensor, length: int) -> Tensor:
    """The targets (rows, ``length``) that were sent as ``labels``."""
    if layout.head is None:
        return labels
    places, classes = (part[:, None].long() for part in (labels // layout.head.outputs, labels % layout.head.outputs))
    return torch.full((len(labels), length), IGNORED, device=labels.device).scatter_(1, places, classes)
