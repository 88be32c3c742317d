"""How some numbers of a vector are written: the numbers, and where they belong. Bytes are little-endian.

With k of n numbers: ``values`` alone take 4 k bytes, coordinates (``coo``) 4 k more, a ``bitmap`` ceil(n / 8) more; the
whole vector takes 4 n, and is sent where that is less.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

EncodingName = Literal["values", "coo", "bitmap", "cheapest"]

_VALUE, _INDEX = np.dtype("<f4"), np.dtype("<u4")

Values = NDArray[np.float32]
"""Numbers that are sent, (k,)."""
Positions = NDArray[np.int64]
"""Where they belong, (k,), ascending."""


class Encoding(ABC):
    """Writes k numbers of a vector of n, and reads them again."""

    @abstractmethod
    def nbytes(self, k: int, n: int) -> int:
        """How many bytes that takes."""

    @abstractmethod
    def encode(self, values: Values, positions: Positions, n: int) -> bytes:
        """The bytes."""

    @abstractmethod
    def decode(self, buffer: bytes, k: int, n: int, known: Positions | None = None) -> tuple[Values, Positions]:
        """Values and positions; ``known`` are positions that the receiver knows without being told."""


class ValuesOnly(Encoding):
    """The numbers alone: the receiver must know where they belong. So papers count."""

    def nbytes(self, k: int, n: int) -> int:
        """See ``Encoding``."""
        return _VALUE.itemsize * k

    def encode(self, values: Values, positions: Positions, n: int) -> bytes:
        """See ``Encoding``."""
        return values.astype(_VALUE).tobytes()

    def decode(self, buffer: bytes, k: int, n: int, known: Positions | None = None) -> tuple[Values, Positions]:
        """See ``Encoding``.

        Raises:
            ValueError: the positions are not known.
        """
        if known is None:
            raise ValueError("values alone do not say where they belong: the receiver must know their positions")
        return _values(buffer), known


class Coordinates(Encoding):
    """Every number after its index, an integer of 32 bits."""

    def nbytes(self, k: int, n: int) -> int:
        """See ``Encoding``."""
        return (_INDEX.itemsize + _VALUE.itemsize) * k

    def encode(self, values: Values, positions: Positions, n: int) -> bytes:
        """See ``Encoding``."""
        return positions.astype(_INDEX).tobytes() + values.astype(_VALUE).tobytes()

    def decode(self, buffer: bytes, k: int, n: int, known: Positions | None = None) -> tuple[Values, Positions]:
        """See ``Encoding``."""
        end = _INDEX.itemsize * k
        return _values(buffer[end:]), np.frombuffer(buffer[:end], _INDEX).astype(np.int64)


class Bitmap(Encoding):
    """A bit for every number of the vector, then those whose bit is set."""

    def nbytes(self, k: int, n: int) -> int:
        """See ``Encoding``."""
        return _bitmap_bytes(n) + _VALUE.itemsize * k

    def encode(self, values: Values, positions: Positions, n: int) -> bytes:
        """See ``Encoding``."""
        bits = np.zeros(n, dtype=np.bool_)
        bits[positions] = True
        return np.packbits(bits).tobytes() + values.astype(_VALUE).tobytes()

    def decode(self, buffer: bytes, k: int, n: int, known: Positions | None = None) -> tuple[Values, Positions]:
        """See ``Encoding``."""
        end = _bitmap_bytes(n)
        bits = np.unpackbits(np.frombuffer(buffer[:end], np.uint8), count=n)
        return _values(buffer[end:]), np.flatnonzero(bits)


class WholeVector(Encoding):
    """All n numbers, those that are not sent as zeros; which were sent is read off the bytes if all or known."""

    def nbytes(self, k: int, n: int) -> int:
        """See ``Encoding``."""
        return _VALUE.itemsize * n

    def encode(self, values: Values, positions: Positions, n: int) -> bytes:
        """See ``Encoding``."""
        whole = np.zeros(n, dtype=_VALUE)
        whole[positions] = values
        return whole.tobytes()

    def decode(self, buffer: bytes, k: int, n: int, known: Positions | None = None) -> tuple[Values, Positions]:
        """See ``Encoding``; zeros that were among the sent ones come back as numbers that were not: it is the same."""
        whole = _values(buffer)
        positions = np.arange(n) if known is None else known
        return whole[positions], positions


class Cheapest(Encoding):
    """Whichever of coordinates, bitmap and whole vector is shortest: k and n, which both sides know, say which."""

    def nbytes(self, k: int, n: int) -> int:
        """See ``Encoding``."""
        return self.choice(k, n).nbytes(k, n)

    def encode(self, values: Values, positions: Positions, n: int) -> bytes:
        """See ``Encoding``."""
        return self.choice(len(values), n).encode(values, positions, n)

    def decode(self, buffer: bytes, k: int, n: int, known: Positions | None = None) -> tuple[Values, Positions]:
        """See ``Encoding``."""
        return self.choice(k, n).decode(buffer, k, n, known)

    def choice(self, k: int, n: int) -> Encoding:
        """The one that is taken; of equal ones the first."""
        return min((_WHOLE, *_TOLD), key=lambda encoding: encoding.nbytes(k, n))


_WHOLE = WholeVector()
_TOLD: tuple[Encoding, ...] = (Bitmap(), Coordinates())
_BY_NAME: dict[EncodingName, Encoding] = {
    "values": ValuesOnly(),
    "coo": _TOLD[1],
    "bitmap": _TOLD[0],
    "cheapest": Cheapest(),
}


def encoding(name: EncodingName) -> Encoding:
    """The encoding of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in _BY_NAME:
        raise ValueError(f"encoding = {name!r}: expected one of {', '.join(get_args(EncodingName))}")
    return _BY_NAME[name]


def _bitmap_bytes(n: int) -> int:
    return -(-n // 8)


def _values(buffer: bytes) -> Values:
    return np.frombuffer(buffer, _VALUE).astype(np.float32)
