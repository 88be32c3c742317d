"""Random and magnitude masks: which numbers they send, by hand and by their shares."""

import torch

from training.compression.base import Shared
from training.compression.form import Form
from training.compression.magnitude_mask import MagnitudeMask
from training.compression.random_k import RandomK

FORM = Form.flat(6)
X = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])


def test_a_mask_is_that_of_the_reference() -> None:
    shared = Shared(reference=torch.tensor([[9.0, 0.0, -8.0, 0.0, 7.0, 1.0]]))
    assert MagnitudeMask(density=0.5).passed(X, FORM, shared).tolist() == [[1.0, 0.0, 3.0, 0.0, 5.0, 0.0]]


def test_masks_that_both_sides_know_are_not_sent() -> None:
    assert MagnitudeMask(density=0.5).nbytes(FORM) == RandomK(density=0.5).nbytes(FORM) == 12


def test_random_numbers_are_scaled_up_by_the_inverse_of_their_share() -> None:
    shared = Shared(draws=(3,))
    plain = RandomK(density=0.5, unbiased=False).passed(X, FORM, shared)
    assert int(plain.count_nonzero()) == 3
    assert torch.equal(plain[plain != 0], X[plain != 0])
    assert torch.equal(RandomK(density=0.5).passed(X, FORM, shared), 2 * plain)


def test_every_number_is_sent_equally_often() -> None:
    draws = 3000
    sent = RandomK(density=0.5).compress(X.expand(draws, -1), FORM, Shared(draws=tuple(range(draws))))["positions"]
    share = torch.bincount(sent.flatten(), minlength=6) / draws
    assert ((share - 0.5).abs() < 5 * (0.25 / draws) ** 0.5).all()  # five standard deviations of a fair coin's share
