"""What a node holds in memory over simulated time, by kind, in bytes."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

MemoryKind = Literal["weights", "adapter", "gradient", "optimiser", "activations", "transient", "buffers"]
MEMORY_KINDS: tuple[MemoryKind, ...] = get_args(MemoryKind)
_NUMBER: dict[str, int] = {kind: number for number, kind in enumerate(MEMORY_KINDS)}


class Memory:
    """A ledger of changes, in any order of writing; peaks are read off when the run is over."""

    __slots__ = ("_changes", "_residents")

    def __init__(self) -> None:
        self._changes = array("q")  # instant in ns, number of the kind, bytes; again and again
        self._residents: set[str] = set()

    def change(self, instant_ns: int, kind: str, nbytes: int) -> None:
        """``nbytes`` more (or fewer) of ``kind`` from ``instant_ns`` on."""
        if nbytes:
            self._changes.extend((instant_ns, _NUMBER[kind], nbytes))

    def during(self, start_ns: int, end_ns: int, kind: MemoryKind, nbytes: int) -> None:
        """``nbytes`` more of ``kind`` between two instants."""
        self.change(start_ns, kind, nbytes)
        self.change(end_ns, kind, -nbytes)

    def settle(self, instant_ns: int, name: str, sizes: Mapping[str, int]) -> None:
        """Hold ``sizes`` from ``instant_ns`` to the end, once for each ``name``: weights, a training state."""
        if name in self._residents or not sizes:
            return
        self._residents.add(name)
        for kind, nbytes in sizes.items():
            self.change(instant_ns, kind, nbytes)

    def left(self) -> dict[MemoryKind, int]:
        """Bytes of each kind that are held after the last change."""
        _, kinds, nbytes = self._columns()
        return {kind: int(nbytes[kinds == number].sum()) for number, kind in enumerate(MEMORY_KINDS)}

    def peaks(self) -> dict[str, int]:
        """Peak bytes of each kind, and of their ``total``; changes of one instant count in the order of writing."""
        instants_ns, kinds, nbytes = self._columns()
        order = np.argsort(instants_ns, kind="stable")
        kinds, nbytes = kinds[order], nbytes[order]
        changes = {kind: nbytes[kinds == number] for number, kind in enumerate(MEMORY_KINDS)} | {"total": nbytes}
        return {name: int(np.cumsum(each).max(initial=0)) for name, each in changes.items()}

    def _columns(self) -> NDArray[np.int64]:
        """Instants, numbers of kinds, and bytes of all changes (3, n)."""
        return np.array(self._changes, dtype=np.int64).reshape(-1, 3).T
