"""Bytes of a message at the size of FLASC's 20 Newsgroups: the table derived from the papers, and real buffers.

|P| is rank 16 on c_attn, c_proj and c_fc of GPT-2 small's twelve blocks, and a head for 20 classes. The papers count
values alone; who does not know the mask of the sender needs positions, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from cosim.reproduce.row import Row
from training.compression.density import kept
from training.compression.encodings import EncodingName, Positions, Values, encoding
from training.payloads import SCALAR_BYTES

NUMBERS = 2_374_656
DENSITIES = (Fraction(1, 4), Fraction(1, 16), Fraction(1, 64))
NAMES: tuple[EncodingName, ...] = ("values", "bitmap", "coo")
_MEGA, _BITS_A_BYTE = 1e6, 8


def derived_bytes(density: Fraction) -> Mapping[EncodingName, int]:
    """4 k of values; |P| / 8 more for a bitmap, or 4 k more for coordinates."""
    numbers = kept(density, NUMBERS)
    values = SCALAR_BYTES * numbers
    return {"values": values, "bitmap": values + NUMBERS // _BITS_A_BYTE, "coo": 2 * values}


def encoded_bytes(density: Fraction, name: EncodingName) -> int:
    """The length of the buffer that holds a share of a vector of |P|.

    Raises:
        ValueError: it cannot be read again.
    """
    values, positions = _message(density)
    way = encoding(name)
    buffer = way.encode(values, positions, NUMBERS)
    read, where = way.decode(buffer, len(values), NUMBERS, positions)
    if not (np.array_equal(read, values) and np.array_equal(where, positions)):
        raise ValueError(f"{name} at density {density}: what was read is not what was written")
    return len(buffer)


def rows() -> list[Row]:
    """The table of payloads, and by how much dense messages are larger."""
    return [
        row
        for density in DENSITIES
        for name in NAMES
        for row in _rows(density, name, encoded_bytes(density, name), derived_bytes(density)[name])
    ]


def _rows(density: Fraction, name: EncodingName, ours: int, expected: int) -> list[Row]:
    dense = SCALAR_BYTES * NUMBERS
    of = f"density {density}, {name}"
    return [
        _exact(f"a message of {NUMBERS:,} numbers", of, ours / _MEGA, expected / _MEGA, "MB"),
        _exact("a dense message over a sparse one", of, dense / ours, dense / expected, "times"),
    ]


def _exact(group: str, name: str, ours: float, expected: float, unit: str) -> Row:
    return Row(group=group, name=name, ours=ours, expected=expected, unit=unit, known="derived", tolerance=0.0,
               why="real buffers have whole bytes")  # fmt: skip


def _message(density: Fraction) -> tuple[Values, Positions]:
    """As many numbers as are sent, evenly spread: of which value and where has no part in how many bytes they take."""
    positions = np.arange(kept(density, NUMBERS), dtype=np.int64) * density.denominator
    return (positions + 1).astype(np.float32), positions
