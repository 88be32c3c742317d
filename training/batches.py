"""Which sequences make up a client's next batch: a function with random access, not an iterator with state."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_KEPT_ORDERS = 256  # of more users, orders are drawn anew for every batch, in twenty microseconds


def batch_rows(rows: NDArray[np.int64], batch_size: int, index: int, seed: int) -> tuple[int, ...]:
    """The ``index``-th batch (from 0) of a client that holds ``rows``: exactly ``batch_size`` of them.

    Every epoch goes through ``rows`` in an order of its own, drawn from (``seed``, epoch) alone. A batch lies within
    one epoch: what does not fill a last batch is left out of that epoch. Only where ``rows`` are fewer than
    ``batch_size`` do epochs follow each other without a gap, so that rows repeat within a batch.

    Raises ValueError for no rows, a batch size below 1, a negative index, and a seed outside [0, 2**128).
    """
    if not len(rows) or batch_size < 1 or index < 0:
        raise ValueError(
            "batch_rows needs a row, batch_size of at least 1 and index of at least 0, "
            f"not {len(rows)} rows, batch_size {batch_size}, index {index}"
        )
    epoch_rows = len(rows) // batch_size * batch_size or len(rows)
    places = (divmod(position, epoch_rows) for position in range(index * batch_size, (index + 1) * batch_size))
    return tuple(int(rows[_order(len(rows), seed, epoch)[place]]) for epoch, place in places)


def batches_an_epoch(rows: int, batch_size: int) -> int:
    """How many batches of ``batch_rows`` go once through so many rows; one, where these do not fill a batch."""
    return max(1, rows // batch_size)


@lru_cache(maxsize=_KEPT_ORDERS)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    stream = np.random.Philox(key=seed, counter=[0, 0, 0, epoch])  # 2**192 draws apart from the next epoch's
    return np.random.Generator(stream).permutation(count)
