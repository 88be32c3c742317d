"""Where rows enter the model: at the embeddings, or above the blocks that no adapter changes.

Blocks below the first adapted one are the same at every step, so a row goes through them once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from training.adapters import Part

if TYPE_CHECKING:
    from torch import Tensor

    from training.sequences import Sequences
    from training.split_model import SplitModel


class Entrance:
    """Of the rows of ``data``, with at most ``most_bytes`` of activations kept; those used longest ago go first.

    An activation is computed for a row alone and without its padding, so that its numbers do not depend on its company.
    """

    def __init__(self, data: Sequences, most_bytes: int) -> None:
        self.data = data
        self._most_bytes = most_bytes
        self._bytes = 0
        self._rows: OrderedDict[tuple[int, int], Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def enter(self, model: SplitModel, part: Part, rows: Sequence[int], length: int) -> tuple[Part, Tensor]:
        """What of ``part``, which begins with the embeddings, there is still to run for ``rows``, and what enters it.

        Either the part itself and token ids (rows, length), or its blocks from the first adapted one on and an
        activation (rows, length, hidden), of which nobody wants the gradient.
        """
        import torch  # noqa: PLC0415 - a run whose results are on disk needs none

        depth = min(model.layout.frozen_blocks, part.last - 1)
        if depth == 0:
            return part, torch.from_numpy(self.data.ids[list(rows), :length]).to(model.model.device)
        return replace(part, first=depth), self._activations(model, depth, rows, length)

    def targets(self, model: SplitModel, rows: Sequence[int], length: int) -> Tensor:
        """What ``rows`` are to predict, (rows, length), beside the model."""
        import torch  # noqa: PLC0415

        return torch.from_numpy(self.data.targets[list(rows), :length]).to(model.model.device)

    def _activations(self, model: SplitModel, depth: int, rows: Sequence[int], length: int) -> Tensor:
        """What enters block ``depth``, zero beyond a row's tokens."""
        found = [self._activation(model, depth, row) for row in rows]
        x = found[0].new_zeros(len(rows), length, found[0].shape[-1])
        for own, activation in zip(x, found, strict=True):
            own[: len(activation)] = activation
        return x

    def _activation(self, model: SplitModel, depth: int, row: int) -> Tensor:
        import torch  # noqa: PLC0415

        key = (depth, row)
        with self._lock:
            if key in self._rows:
                self._rows.move_to_end(key)
                return self._rows[key]
        with torch.no_grad():
            ids = torch.from_numpy(self.data.ids[[row], : self.data.tokens[row]]).to(model.model.device)
            activation = model.forward(Part(first=0, last=depth), [], ids)[0]
        with self._lock:
            self._keep(key, activation)
        return activation

    def _keep(self, key: tuple[int, int], activation: Tensor) -> None:
        if key not in self._rows:
            self._rows[key] = activation
            self._bytes += activation.nbytes
        while self._bytes > self._most_bytes:
            _, oldest = self._rows.popitem(last=False)
            self._bytes -= oldest.nbytes
