"""What a node holds in memory over simulated time, by kind, in bytes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

MemoryKind = Literal["weights", "adapter", "gradient", "optimiser", "activations", "transient", "buffers"]
MEMORY_KINDS: tuple[MemoryKind, ...] = get_args(MemoryKind)


class Memory:
    """A ledger of changes, in any order of writing; peaks are read off when the run is over."""

    def __init__(self) -> None:
        self._changes: list[tuple[int, int, int]] = []  # (instant in ns, index of kind, bytes)
        self._residents: set[str] = set()

    def change(self, instant_ns: int, kind: str, nbytes: int) -> None:
        """``nbytes`` more (or fewer) of ``kind`` from ``instant_ns`` on."""
        if nbytes:
            self._changes.append((instant_ns, MEMORY_KINDS.index(kind), nbytes))

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
        return {
            kind: sum(nbytes for _, index, nbytes in self._changes if index == MEMORY_KINDS.index(kind))
            for kind in MEMORY_KINDS
        }

    def peaks(self) -> dict[str, int]:
        """Peak bytes of each kind, and of their ``total``; changes of one instant count in the order of writing."""
        peaks: dict[str, int] = defaultdict(int)
        if not self._changes:
            return dict.fromkeys((*MEMORY_KINDS, "total"), 0)
        instants, kinds, nbytes = np.array(self._changes, dtype=np.int64).T
        order = np.argsort(instants, kind="stable")
        for index, kind in enumerate(MEMORY_KINDS):
            held = np.cumsum(np.where(kinds[order] == index, nbytes[order], 0))
            peaks[kind] = max(0, int(held.max()))
        peaks["total"] = max(0, int(np.cumsum(nbytes[order]).max()))
        return dict(peaks)
