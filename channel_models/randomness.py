"""Random numbers as a pure function of (seed, purpose, entity, index), so that no event order can change them.

The function is Philox4x32-10, a counter-based generator: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random
numbers: as easy as 1, 2, 3", SC 2011. Its key comes from seed and purpose, its counter from entity and index.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Integers = int | NDArray[np.int64]

_MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], dtype=np.uint64)
_KEY_STEPS = np.array([0x9E3779B9, 0xBB67AE85], dtype=np.uint64)
_ROUNDS = np.arange(10, dtype=np.uint64)
_LOW_32 = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def philox4x32(counter: NDArray[np.uint32], key: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Philox4x32-10 of every counter: counters (..., 4) and a key (2,) give random words (..., 4)."""
    return np.moveaxis(_scrambled(np.moveaxis(counter, -1, 0), key), 0, -1).astype(np.uint32)


def _scrambled(words: NDArray[np.unsignedinteger], key: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The ten rounds on words (4, ...), each below 2^32; words 0 and 2 go through the same steps as one array."""
    pairs = words.reshape(2, 2, -1).astype(np.uint64, order="C")  # words 0, 1 and words 2, 3
    even, odd = pairs[:, 0], pairs[:, 1]  # (2, n)
    for round_key in key + _ROUNDS[:, None] * _KEY_STEPS & _LOW_32:
        product = _MULTIPLIERS[:, None] * even  # 32 x 32 bits, exact in 64
        even, odd = (product[::-1] >> _32) ^ odd ^ round_key[:, None], product[::-1] & _LOW_32
    pairs[:, 0], pairs[:, 1] = even, odd
    return pairs.reshape(words.shape)


@dataclass(frozen=True)
class Stream:
    """The random numbers of one purpose ("shadowing", "batches"), addressed by entity (who) and index (which draw).

    `entity` and `index` are non-negative integers or integer arrays; they broadcast, and the result has their common
    shape. ValueError for any others. Each address holds one block of random bits, which every method reads: draw one
    kind of number per purpose.
    """

    seed: int
    purpose: str

    @cached_property
    def key(self) -> NDArray[np.uint32]:
        """Philox key (2,): the 64-bit BLAKE2b hash of seed and purpose."""
        digest = blake2b(f"{self.seed}/{self.purpose}".encode(), digest_size=8).digest()
        return np.frombuffer(digest, dtype="<u4").astype(np.uint32)

    def uniform(self, entity: Integers, index: Integers) -> NDArray[np.float64]:
        """Uniform in the open interval (0, 1)."""
        words = self._words(entity, index)
        return _unit_interval(words[0], words[1])

    def normal(self, entity: Integers, index: Integers) -> NDArray[np.float64]:
        """Standard normal, by Box and Muller's transform of the block's four words."""
        words = self._words(entity, index)
        radius = np.sqrt(-2.0 * np.log(_unit_interval(words[0], words[1])))
        normal: NDArray[np.float64] = radius * np.cos(2.0 * np.pi * _unit_interval(words[2], words[3]))
        return normal

    def exponential(self, entity: Integers, index: Integers) -> NDArray[np.float64]:
        """Exponential with mean one."""
        exponential: NDArray[np.float64] = -np.log(self.uniform(entity, index))
        return exponential

    def seed_of(self, entity: int, index: int) -> int:
        """A 63-bit seed for a foreign generator.

        `torch`'s CPU generator reads only the low 32 bits of a seed, so two of n addresses share one with probability
        n^2 / 2^33 there.
        """
        low, high = (int(word) for word in self._words(entity, index)[:2])
        return (high << 32 | low) >> 1

    def generator(self, entity: int, index: int) -> np.random.Generator:
        """A NumPy generator of its own for this address, for shuffles and choices."""
        counter = np.array([0, 0, _address(entity, "entity"), _address(index, "index")], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(counter=counter, key=self.key.astype(np.uint64)))

    def _words(self, entity: Integers, index: Integers) -> NDArray[np.uint64]:
        """Words (4, ...) below 2^32."""
        who, which = _address(entity, "entity"), _address(index, "index")
        counter = np.empty((4, *np.broadcast_shapes(who.shape, which.shape)), dtype=np.uint64)
        counter[0], counter[1], counter[2], counter[3] = who & _LOW_32, who >> _32, which & _LOW_32, which >> _32
        return _scrambled(counter, self.key)


def _address(value: Integers, name: str) -> NDArray[np.uint64]:
    values = np.asarray(value)
    if values.dtype.kind not in "iu" or np.any(values < 0):
        raise ValueError(f"{name} must be a non-negative integer or an array of them, got {value!r}")
    return values.astype(np.uint64)


def _unit_interval(high: NDArray[np.unsignedinteger], low: NDArray[np.unsignedinteger]) -> NDArray[np.float64]:
    """Odd multiples of 2^-53 from 53 bits of two words: symmetric about 1/2, never 0 or 1."""
    bits = (high.astype(np.uint64) >> 5 << 26) | (low >> 6) | 1
    return bits.astype(np.float64) * 2.0**-53
