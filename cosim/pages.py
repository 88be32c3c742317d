"""Rows of numbers that only grow, in few bytes each: what a run records while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS_A_PAGE = 1024  # whole pages are added: a buffer that grows is copied, and leaves holes behind


class Pages:
    """A table of named columns; ``codes`` says of each how it is kept, as ``struct`` does: ``q``, ``i``, ``d``."""

    def __init__(self, codes: Mapping[str, str]) -> None:
        self._row = Struct("=" + "".join(codes.values()))
        self._columns = np.dtype(list(codes.items()))
        self._pages: list[bytearray] = []
        self._count = 0

    def append(self, *values: float) -> None:
        """Add a row."""
        place = self._count % _ROWS_A_PAGE
        if place == 0:
            self._pages.append(bytearray(_ROWS_A_PAGE * self._row.size))
        self._row.pack_into(self._pages[-1], place * self._row.size, *values)
        self._count += 1

    def row(self, number: int) -> tuple[Any, ...]:
        """The values of a row; ``number`` counts from 0."""
        page, place = divmod(number, _ROWS_A_PAGE)
        return self._row.unpack_from(self._pages[page], place * self._row.size)

    def pages(self, first: int = 0) -> Iterator[NDArray[Any]]:
        """The rows from ``first`` on, some at a time, as structured arrays."""
        for start in range(first - first % _ROWS_A_PAGE, self._count, _ROWS_A_PAGE):
            rows = np.frombuffer(self._pages[start // _ROWS_A_PAGE], self._columns)
            yield rows[max(first - start, 0) : self._count - start]

    def table(self) -> NDArray[Any]:
        """All rows as one structured array."""
        return np.concatenate([np.empty(0, self._columns), *self.pages()])

    def __len__(self) -> int:
        return self._count
