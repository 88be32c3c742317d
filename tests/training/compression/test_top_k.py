"""Top-k: the largest numbers, as many as there may be, and of equal ones the first."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.compression.form import Form, Piece
from training.compression.sparse import largest
from training.compression.top_k import TopK

# few magnitudes, so that there are ties
ROWS = st.lists(st.lists(st.integers(-3, 3), min_size=12, max_size=12), min_size=1, max_size=4)


@given(ROWS, st.integers(0, 12))
def test_the_largest_are_those_that_a_stable_sort_puts_first(rows: list[list[int]], k: int) -> None:
    x = torch.tensor(rows, dtype=torch.float32)
    order = np.argsort(-np.abs(x.numpy()), axis=1, kind="stable")[:, :k]
    assert np.array_equal(largest(x, k).numpy(), np.sort(order, axis=1))


def test_by_hand() -> None:
    x = torch.tensor([[1.0, -5.0, 0.0, 3.0, -3.0, 2.0]])
    assert TopK(density=0.5).passed(x, Form.flat(6)).tolist() == [[0.0, -5.0, 0.0, 3.0, -3.0, 0.0]]


def test_layers_have_a_threshold_each() -> None:
    form, x = Form((Piece(1, 4, 0), Piece(1, 2, 1))), torch.tensor([[9.0, 8.0, 7.0, 6.0, 1.0, 2.0]])
    assert TopK(density=0.5).passed(x, form).tolist() == [[9.0, 8.0, 7.0, 0.0, 0.0, 0.0]]
    assert TopK(density=0.5, per="layer").passed(x, form).tolist() == [[9.0, 8.0, 0.0, 0.0, 0.0, 2.0]]


@given(st.integers(1, 1000), st.fractions(0, 1).filter(bool))
def test_never_more_than_the_share(numbers: int, density: float) -> None:
    count = TopK(density=density).count(Form.flat(numbers))
    assert count <= density * numbers < count + 1


def test_shares_are_exact() -> None:
    assert TopK(density=0.29).count(Form.flat(100)) == 29  # 0.29 * 100 is below 29 in floating point
    assert TopK(density="1/16") == TopK(density=0.0625)


def test_what_is_no_number_is_sent() -> None:
    x = torch.tensor([[1.0, float("nan"), 2.0, 3.0], [1.0, 5.0, 2.0, 3.0]])
    back = TopK(density=0.5).passed(x, Form.flat(4))
    assert back[0, 1].isnan()
    assert back[0, 3] == 3.0
    assert back[1].tolist() == [0.0, 5.0, 0.0, 3.0]


@pytest.mark.parametrize("density", [0, -0.1, 1.5, "a quarter", "1/0", True])
def test_impossible_shares_are_refused(density: object) -> None:
    with pytest.raises(ValueError, match=r"top_k: density = .* expected a share above 0 and up to 1, such as 1/16"):
        TopK(density=density)  # type: ignore[arg-type]


def test_other_words_are_refused() -> None:
    with pytest.raises(ValueError, match="top_k: per = 'block': expected one of vector, layer"):
        TopK(density=0.1, per="block")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="top_k: encoding = 'zip'"):
        TopK(density=0.1, encoding="zip")  # type: ignore[arg-type]
