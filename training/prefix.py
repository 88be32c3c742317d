"""Blocks below the first adapter are the same at every step: a row goes through them once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.adapters import Part

if TYPE_CHECKING:
    from torch import Tensor

    from training.sequences import Sequences
    from training.split_model import SplitModel


class FrozenPrefix:
    """Activations of the rows of ``data`` above so many blocks, none of them adapted; the oldest go first.

    Every row is computed alone and without its padding, so that its numbers do not depend on its company.
    """

    def __init__(self, data: Sequences, most_bytes: int) -> None:
        self._data = data
        self._most_bytes = most_bytes
        self._bytes = 0
        self._rows: OrderedDict[tuple[int, int], Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def activations(self, model: SplitModel, depth: int, rows: Sequence[int], length: int) -> Tensor:
        """What enters block ``depth`` (at least 1) for ``rows``, zero beyond their tokens: (rows, length, hidden)."""
        found = [self._activation(model, depth, row) for row in rows]
        x = found[0].new_zeros(len(rows), length, found[0].shape[-1])
        for own, activation in zip(x, found, strict=True):
            own[: len(activation)] = activation
        return x

    def _activation(self, model: SplitModel, depth: int, row: int) -> Tensor:
        key = (depth, row)
        with self._lock:
            if key in self._rows:
                self._rows.move_to_end(key)
                return self._rows[key]
        import torch  # noqa: PLC0415 - a run whose results are on disk needs none

        with torch.no_grad():
            ids = torch.from_numpy(self._data.ids[[row], : self._data.tokens[row]]).to(model.model.device)
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
