"""What enters a part that reads its mini-batch itself: token ids, or what frozen blocks below made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from training.adapters import Part
    from training.lab import Lab


def entering(lab: Lab, part: Part, rows: Sequence[int], length: int) -> tuple[Part, Tensor]:
    """What of ``part`` there is still to run on these training rows, and what enters it.

    Either the part itself and token ids (rows, length), or its blocks from the first adapted one on and an activation
    (rows, length, hidden), of which nobody wants the gradient.
    """
    depth = min(lab.layout.frozen_blocks, part.last - 1)
    if depth == 0:
        return part, torch.from_numpy(lab.train.ids[list(rows), :length]).to(lab.device)
    return replace(part, first=depth), lab.prefix.activations(lab.model, depth, rows, length)


def read_targets(lab: Lab, rows: Sequence[int], length: int) -> Tensor:
    """Targets (rows, length) of these training rows."""
    return torch.from_numpy(lab.train.targets[list(rows), :length]).to(lab.device)
