"""Tables of measurements: columns of positive numbers from a CSV file, which may be compressed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from channel_models.tables import number, rows


def read_columns(file: str, columns: Sequence[str], where: Mapping[str, str] | None = None) -> NDArray[np.float64]:
    """The numbers (columns, rows) of a CSV file with a header, as text (``.csv``) or compressed (``.csv.gz``).

    Only the rows are read in which each column named in ``where`` has the text given there.

    Raises:
        ValueError: the file cannot be read, has no such column or row, or a cell is no positive finite number.
    """
    read = [
        [number(line, row, name, "a positive number", lambda value: value > 0) for name in columns]
        for line, row in rows(file, columns, where)
    ]
    if not read:
        raise ValueError(f"no row where {dict(where)}" if where else "no row below the header")
    return np.array(read).T
