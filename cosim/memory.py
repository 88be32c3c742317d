"""What nodes hold in memory over simulated time, by kind, in bytes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cosim.pages import Pages

MemoryKind = Literal["weights", "adapter", "gradient", "optimiser", "activations", "transient", "buffers"]
MEMORY_KINDS: tuple[MemoryKind, ...] = get_args(MemoryKind)
_NUMBER: dict[str, int] = {kind: number for number, kind in enumerate(MEMORY_KINDS)}


class Ledger:
    """The changes of what all nodes of a run hold, in any order of writing."""

    def __init__(self) -> None:
        self._changes = Pages({"instant_ns": "q", "node": "i", "kind": "b", "bytes": "q"})
        self.nodes: list[str] = []
        self._residents: dict[tuple[int, Hashable], Mapping[str, int]] = {}

    def memory(self, node: str) -> Memory:
        """An account for another node; nodes are numbered as they come."""
        self.nodes.append(node)
        return Memory(self, len(self.nodes) - 1)

    def note(self, instant_ns: int, node: int, kind: int, nbytes: int) -> None:
        """Add a change, if it is one."""
        if nbytes:
            self._changes.append(instant_ns, node, kind, nbytes)

    def settle(self, instant_ns: int, node: int, what: Hashable, sizes: Mapping[str, int]) -> None:
        """Add ``sizes``, once for ``what`` on each node, until it is released."""
        if sizes and (node, what) not in self._residents:
            self._residents[node, what] = sizes
            for kind, nbytes in sizes.items():
                self.note(instant_ns, node, _NUMBER[kind], nbytes)

    def release(self, instant_ns: int, node: int, what: Hashable) -> None:
        """Take away again what was settled for ``what``, if anything was."""
        for kind, nbytes in self._residents.pop((node, what), {}).items():
            self.note(instant_ns, node, _NUMBER[kind], -nbytes)

    def changes(self, until_ns: int | None = None) -> NDArray[Any]:
        """Rows of ``instant_ns, node, kind, bytes`` to an instant, in order of time, then of writing."""
        rows = self._changes.table()
        if until_ns is not None:
            rows = rows[rows["instant_ns"] <= until_ns]
        return rows[np.argsort(rows["instant_ns"], kind="stable")]

    def peaks(self, until_ns: int | None = None) -> dict[str, NDArray[np.int64]]:
        """Peak bytes of each kind, and of their ``total``, of all ``nodes`` (n,), until an instant."""
        rows = self.changes(until_ns)
        kinds = {kind: rows[rows["kind"] == number] for number, kind in enumerate(MEMORY_KINDS)}
        return {name: self._peak(changes) for name, changes in (kinds | {"total": rows}).items()}

    def _peak(self, changes: NDArray[Any]) -> NDArray[np.int64]:
        """The most that each node held of what changed so, in order of time."""
        by_node = changes[np.argsort(changes["node"], kind="stable")]
        nodes, first = np.unique(by_node["node"], return_index=True)
        peaks = np.zeros(len(self.nodes), dtype=np.int64)
        if len(nodes):
            sums = np.cumsum(by_node["bytes"])
            before = sums[first] - by_node["bytes"][first]  # what the nodes before it have left
            peaks[nodes] = np.maximum(np.maximum.reduceat(sums, first) - before, 0)
        return peaks


class Memory:
    """The account of one node."""

    __slots__ = ("_ledger", "_number")

    def __init__(self, ledger: Ledger, number: int) -> None:
        self._ledger = ledger
        self._number = number

    def change(self, instant_ns: int, kind: str, nbytes: int) -> None:
        """``nbytes`` more (or fewer) of ``kind`` from ``instant_ns`` on."""
        self._ledger.note(instant_ns, self._number, _NUMBER[kind], nbytes)

    def during(self, start_ns: int, end_ns: int, kind: MemoryKind, nbytes: int) -> None:
        """``nbytes`` more of ``kind`` between two instants."""
        self.change(start_ns, kind, nbytes)
        self.change(end_ns, kind, -nbytes)

    def settle(self, instant_ns: int, what: Hashable, sizes: Mapping[str, int]) -> None:
        """Hold ``sizes`` until ``what`` is released, or to the end: the weights of a part, a training state.

        What is held already is not held twice.
        """
        self._ledger.settle(instant_ns, self._number, what, sizes)

    def release(self, instant_ns: int, what: Hashable) -> None:
        """No longer hold what was settled for ``what``."""
        self._ledger.release(instant_ns, self._number, what)

    def left(self) -> dict[MemoryKind, int]:
        """Bytes of each kind that are held after the last change."""
        rows = self._ledger.changes()
        own = rows[rows["node"] == self._number]
        return {kind: int(own["bytes"][own["kind"] == number].sum()) for number, kind in enumerate(MEMORY_KINDS)}

    def peaks(self) -> dict[str, int]:
        """Peak bytes of each kind, and of their ``total``."""
        return {name: int(peaks[self._number]) for name, peaks in self._ledger.peaks().items()}
