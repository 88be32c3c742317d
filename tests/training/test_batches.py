"""Batches: a pure function of rows, size, index and seed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.batches import batch_rows, batches_an_epoch

COUNTS = st.integers(1, 40)
SIZES = st.integers(1, 12)
SEEDS = st.integers(0, 2**128 - 1)


def rows_of(count: int) -> np.ndarray:
    return np.arange(count) * 3 + 7


@given(COUNTS, SIZES, st.integers(0, 10**9), SEEDS)
def test_a_batch_is_full_and_made_of_the_clients_rows(count: int, size: int, index: int, seed: int) -> None:
    batch = batch_rows(rows_of(count), size, index, seed)
    assert len(batch) == size
    assert set(batch) <= set(rows_of(count).tolist())
    assert all(type(row) is int for row in batch)


@given(COUNTS, SIZES, st.integers(0, 50), SEEDS)
def test_no_row_repeats_within_an_epoch(count: int, size: int, epoch: int, seed: int) -> None:
    batches = count // size
    seen = [row for i in range(batches) for row in batch_rows(rows_of(count), size, epoch * batches + i, seed)]
    assert len(seen) == len(set(seen)) == batches * size


@given(COUNTS, st.integers(0, 12), SEEDS)
def test_few_rows_repeat_equally_often_across_epochs(count: int, extra: int, seed: int) -> None:
    size = count + extra
    seen = Counter(row for i in range(count) for row in batch_rows(rows_of(count), size, i, seed))
    assert set(seen.values()) == {size}  # count batches of size rows are size epochs of count rows


def test_the_order_of_asking_does_not_matter() -> None:
    rows = rows_of(11)
    forwards = [batch_rows(rows, 4, i, 5) for i in range(20)]
    assert forwards == [batch_rows(rows, 4, i, 5) for i in reversed(range(20))][::-1]


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    rows = rows_of(64)
    epochs = {batch_rows(rows, 64, epoch, seed) for epoch in range(5) for seed in range(5)}
    assert len(epochs) == 25


def test_every_row_is_left_out_of_some_epochs_equally_often() -> None:
    epochs = 3000
    seen = Counter(row for i in range(epochs) for row in batch_rows(rows_of(5), 4, i, 1))
    deviation = 4 * (epochs * 0.8 * 0.2) ** 0.5  # four standard deviations of a binomial count
    assert all(abs(count - epochs * 0.8) < deviation for count in seen.values())


@pytest.mark.parametrize(("rows", "size", "batches"), [(8, 4, 2), (11, 4, 2), (4, 4, 1), (3, 4, 1)])
def test_so_many_batches_an_epoch_hold_no_row_twice_if_rows_fill_one(rows: int, size: int, batches: int) -> None:
    assert batches_an_epoch(rows, size) == batches
    seen = Counter(row for i in range(batches) for row in batch_rows(rows_of(rows), size, i, 1))
    assert max(seen.values()) == 1 or rows < size


@pytest.mark.parametrize(
    ("count", "size", "index", "seed", "message"),
    [
        (0, 4, 0, 0, "not 0 rows"),
        (5, 0, 0, 0, "batch_size 0"),
        (5, 4, -1, 0, "index -1"),
        (5, 4, 0, -1, "less than 2"),
    ],
)
def test_impossible_arguments_are_refused(count: int, size: int, index: int, seed: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        batch_rows(rows_of(count), size, index, seed)
