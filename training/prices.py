"""What phases cost, by part and shape: measured once by ``costs``, and remembered on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from training.keys import code_of, digest

if TYPE_CHECKING:
    from training.adapters import Part, Ranks
    from training.costs import CostModel
    from training.store import Store


_MEASURED: dict[str, Any] = {}
"""By key: a process that runs many scenarios of one model measures it once, with or without a store."""


@dataclass(frozen=True, kw_only=True)
class PhaseCost:
    """FLOPs of a phase, the bytes it leaves saved for its backward, and the bytes it needs beyond those at its peak."""

    flops: int
    saved_bytes: int
    transient_bytes: int


class Prices:
    """Answers for the costs of one model with one adapter layout; ``measure`` opens the cost model of
    adapters of some ranks for a new shape."""

    def __init__(
        self, *, key: str, hidden: int, measure: Callable[[Ranks | None], CostModel], store: Store | None = None
    ) -> None:
        self._key = key
        self._hidden = hidden
        self._measure = measure
        self._store = store
        self.forward_and_backward = lru_cache(maxsize=None)(self._forward_and_backward)
        self.loss_and_backward = lru_cache(maxsize=None)(self._loss_and_backward)
        self.weight_bytes = lru_cache(maxsize=None)(self._weight_bytes)

    def activation_shape(self, batch: int, length: int) -> tuple[int, int, int]:
        """Shape of what crosses a cut, either way."""
        return (batch, length, self._hidden)

    def _forward_and_backward(
        self, part: Part, batch: int, length: int, ranks: Ranks | None = None
    ) -> tuple[PhaseCost, PhaseCost]:
        """Costs of the two phases of a part before the last."""
        up, down = self._remembered(
            f"forward and backward {part} {batch} {length} {ranks}",
            lambda: [asdict(cost) for cost in self._measure(ranks).forward_and_backward(part, batch, length)],
        )
        return PhaseCost(**up), PhaseCost(**down)

    def _loss_and_backward(self, part: Part, batch: int, length: int, ranks: Ranks | None = None) -> PhaseCost:
        """Cost of the last part's whole turn."""
        found = self._remembered(
            f"loss and backward {part} {batch} {length} {ranks}",
            lambda: asdict(self._measure(ranks).loss_and_backward(part, batch, length)),
        )
        return PhaseCost(**found)

    def _weight_bytes(self, part: Part) -> int:
        """Bytes of the frozen weights of ``part``."""
        return int(self._remembered(f"weights {part}", lambda: self._measure(None).weight_bytes(part)))

    def _remembered(self, what: str, measure: Callable[[], Any]) -> Any:
        """Of this process, or of ``store``, which is told of it in either case, or measured now."""
        key = digest(code_of(Prices), self._key, what)
        found, store = _MEASURED.get(key), self._store
        entry = store.get(key) if store and found is None else None
        if entry is not None:
            found = json.loads(entry.facts["price"])
        elif found is None:
            found = measure()
        if store and entry is None and key not in store:
            store.put(key, {"none": np.zeros(0)}, {"price": json.dumps(found)})
        return _MEASURED.setdefault(key, found)
