"""Rows of numbers that only grow, in few bytes each: what a run records while it runs."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS_A_PAGE = 1024  # whole pages are added: a buffer that grows is copied, and leaves holes behind
_FASTEST = 1  # level of zlib, at which records of a run shrink to a fifth; higher ones gain little


class Pages:
    """A table of named columns; ``codes`` says of each how it is kept, as ``struct`` does: ``q``, ``i``, ``d``.

    Pages that are full are kept packed.
    """

    def __init__(self, codes: Mapping[str, str]) -> None:
        self._row = Struct("=" + "".join(codes.values()))
        self._columns = np.dtype(list(codes.items()))
        self._packed: list[bytes] = []
        self._last = bytearray(_ROWS_A_PAGE * self._row.size)
        self._count = 0
        self._looked_up: tuple[int, bytes] = (-1, b"")  # rows are asked for one after another

    def append(self, *values: float) -> None:
        """Add a row."""
        place = self._count % _ROWS_A_PAGE
        self._row.pack_into(self._last, place * self._row.size, *values)
        self._count += 1
        if place == _ROWS_A_PAGE - 1:
            self._packed.append(zlib.compress(self._last, _FASTEST))
            self._last = bytearray(len(self._last))  # somebody may look at the old one still

    def replace(self, number: int, *values: float) -> None:
        """Put other values in place of those of a row."""
        page, place = divmod(number, _ROWS_A_PAGE)
        changed = self._last if page == len(self._packed) else bytearray(self._page(page))
        self._row.pack_into(changed, place * self._row.size, *values)
        if page < len(self._packed):
            self._packed[page] = zlib.compress(changed, _FASTEST)
            self._looked_up = (-1, b"")

    def row(self, number: int) -> tuple[Any, ...]:
        """The values of a row; ``number`` counts from 0."""
        page, place = divmod(number, _ROWS_A_PAGE)
        return self._row.unpack_from(self._page(page), place * self._row.size)

    def pages(self, first: int = 0) -> Iterator[NDArray[Any]]:
        """The rows from ``first`` on, some at a time, as structured arrays."""
        for start in range(first - first % _ROWS_A_PAGE, self._count, _ROWS_A_PAGE):
            rows = np.frombuffer(self._page(start // _ROWS_A_PAGE), self._columns)
            yield rows[max(first - start, 0) : self._count - start]

    def table(self) -> NDArray[Any]:
        """All rows as one structured array."""
        return np.concatenate([np.empty(0, self._columns), *self.pages()])

    def __len__(self) -> int:
        return self._count

    def _page(self, number: int) -> bytes | bytearray:
        if number == len(self._packed):
            return self._last
        if number != self._looked_up[0]:
            self._looked_up = number, zlib.decompress(self._packed[number])
        return self._looked_up[1]
