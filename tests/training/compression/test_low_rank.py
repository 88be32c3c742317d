"""Low rank: no matrix of that rank is nearer (Eckart and Young), and what would not be smaller goes whole."""

import numpy as np
import pytest
import torch

from training.compression.form import Form, Piece
from training.compression.low_rank import LowRank

ROUNDING = 1e-4  # of a product of 12 by 30 in single precision, beside numbers of size one


@pytest.mark.parametrize("shape", [(12, 30), (30, 12)])
@pytest.mark.parametrize("rank", [1, 3])
def test_it_is_the_truncated_singular_value_decomposition(shape: tuple[int, int], rank: int) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    u, s, vt = np.linalg.svd(x)
    best = u[:, :rank] * s[:rank] @ vt[:rank]
    given = torch.from_numpy(x.astype(np.float32)).view(1, -1)
    found = LowRank(rank=rank).passed(given, Form((Piece(*shape),))).view(shape)
    np.testing.assert_allclose(found.numpy(), best, atol=ROUNDING)


def test_bytes_by_hand_and_small_matrices_whole() -> None:
    form = Form((Piece(10, 20, 0), Piece(2, 2, 1)))
    compressor = LowRank(rank=2)
    assert compressor.nbytes(form) == 4 * (2 * (10 + 20) + 4)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 204)).astype(np.float32))
    back = compressor.passed(x, form)
    assert torch.equal(back[:, 200:], x[:, 200:])
    assert not torch.equal(back[:, :200], x[:, :200])


def test_what_is_no_number_is_not_lost() -> None:
    x = torch.ones(1, 30)
    x[0, 7] = float("nan")
    assert LowRank(rank=1).passed(x, Form((Piece(5, 6),))).isnan().any()


def test_impossible_ranks_are_refused() -> None:
    with pytest.raises(ValueError, match="low_rank: rank = 0: expected a number of columns"):
        LowRank(rank=0)
