"""One contract for all compressors; what is particular to each is in a file of its own."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim import registry
from training.compression.base import Compressor, Packed, Shared
from training.compression.exact import Exact
from training.compression.feedback import ErrorFeedback
from training.compression.form import Form, Piece
from training.compression.half import Half
from training.compression.low_rank import LowRank
from training.compression.magnitude_mask import MagnitudeMask
from training.compression.quantised import Int4, Int8
from training.compression.random_k import RandomK
from training.compression.top_k import TopK

COMPRESSORS: list[Compressor] = [
    TopK(density="1/4"),
    TopK(density=0.01, encoding="coo"),
    TopK(density=0.5, per="layer", encoding="bitmap"),
    TopK(density=0.5, encoding="values"),
    TopK(density=1),
    RandomK(density="1/4"),
    RandomK(density="1/4", unbiased=False, encoding="cheapest"),
    MagnitudeMask(density="1/4"),
    MagnitudeMask(density="1/4", renewed=False, per="layer", encoding="coo"),
    Int8(),
    Int8(block=7, rounding="stochastic"),
    Int4(),
    Int4(block=5, rounding="stochastic"),
    Half(),
    Half(format="bfloat16"),
    LowRank(rank=1),
    LowRank(rank=2),
    Exact(),
]
FORM = Form((Piece(3, 8, 0), Piece(10, 3, 0), Piece(3, 8, 1), Piece(5, 7, 2)))
VECTORS = 3
SUMS_TO = 1e-5  # of the largest sum: twenty additions in single precision, each to half of 1.2e-7
EXACT_TO = 1e-6  # relative: the scale of a block, made anew from what was restored, may be off in its last bit
DRAWS = 2000
STANDARD_ERRORS = 5.0  # a normal number is farther off once in two million times
each = pytest.mark.parametrize("compressor", COMPRESSORS, ids=repr)


def vectors(form: Form = FORM, count: int = VECTORS, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, form.numbers)).astype(np.float32))


def shared(form: Form = FORM, count: int = VECTORS) -> Shared:
    return Shared(draws=tuple(range(7, 7 + count)), reference=vectors(form, count, seed=1))


def known(packed: Packed, both: Shared) -> Shared:
    """What both know, with the positions, where values alone are sent."""
    return replace(both, positions=packed.tensors.get("positions"))


@each
def test_vectors_come_back_in_shape_and_type(compressor: Compressor) -> None:
    back = compressor.passed(vectors(), FORM, shared())
    assert back.shape == (VECTORS, FORM.numbers)
    assert back.dtype == torch.float32
    assert back.isfinite().all()


@each
def test_what_was_given_is_left_as_it_was(compressor: Compressor) -> None:
    x = vectors()
    compressor.passed(x, FORM, shared())
    assert torch.equal(x, vectors())


@each
def test_each_vector_is_packed_by_itself(compressor: Compressor) -> None:
    x, both = vectors(), shared()
    together = compressor.passed(x, FORM, both)
    for row in range(VECTORS):
        own = Shared(draws=both.draws[row : row + 1], reference=both.reference[row : row + 1])
        assert torch.equal(compressor.passed(x[row : row + 1], FORM, own)[0], together[row])


@each
@pytest.mark.parametrize("form", [FORM, Form(()), *map(Form.flat, (1, 37, 256)), Form((Piece(40, 16),))], ids=repr)
def test_buffers_have_the_bytes_foretold_and_give_the_same_vectors(compressor: Compressor, form: Form) -> None:
    x, both = vectors(form), shared(form)
    packed = compressor.compress(x, form, both)
    buffers = compressor.encode(packed)
    assert [len(buffer) for buffer in buffers] == [compressor.nbytes(form)] * VECTORS
    read = compressor.decode(buffers, form, known(packed, both))
    assert torch.equal(compressor.restore(read), compressor.restore(packed))


@each
@settings(max_examples=20)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=20, max_size=20))
def test_bytes_do_not_hang_on_the_values(compressor: Compressor, values: list[float]) -> None:
    form = Form((Piece(4, 5),))
    x, both = torch.tensor([values]), shared(form, 1)
    packed = compressor.compress(x, form, both)
    (buffer,) = compressor.encode(packed)
    assert len(buffer) == compressor.nbytes(form)
    read = compressor.decode([buffer], form, known(packed, both))
    assert compressor.restore(read).numpy().tobytes() == compressor.restore(packed).numpy().tobytes()


@pytest.mark.parametrize("compressor", [each for each in COMPRESSORS if each.contracts], ids=repr)
def test_what_was_restored_is_packed_without_further_loss(compressor: Compressor) -> None:
    once = compressor.passed(vectors(), FORM, shared())
    twice = compressor.passed(once, FORM, shared())
    torch.testing.assert_close(twice, once, rtol=EXACT_TO, atol=EXACT_TO)


@pytest.mark.parametrize("compressor", [each for each in COMPRESSORS if each.contracts], ids=repr)
def test_what_is_lost_is_no_longer_than_the_vector(compressor: Compressor) -> None:
    x = vectors()
    lost = x - compressor.passed(x, FORM, shared())
    assert (lost.norm(dim=1) <= x.norm(dim=1)).all()


@each
def test_zeros_stay_zeros(compressor: Compressor) -> None:
    assert not compressor.passed(torch.zeros(VECTORS, FORM.numbers), FORM, shared()).any()


@pytest.mark.parametrize("compressor", [each for each in COMPRESSORS if each.exact], ids=repr)
def test_exact_ones_change_no_bit(compressor: Compressor) -> None:
    assert torch.equal(compressor.restore(compressor.compress(vectors(), FORM, shared())), vectors())
    assert compressor.nbytes(FORM) <= 4 * FORM.numbers


@pytest.mark.parametrize("compressor", [each for each in COMPRESSORS if not each.contracts], ids=repr)
def test_those_that_draw_lots_lose_nothing_on_average(compressor: Compressor) -> None:
    x = vectors(count=1)
    back = compressor.passed(x.expand(DRAWS, -1), FORM, Shared(draws=tuple(range(DRAWS))))
    error = back.std(dim=0) / DRAWS**0.5
    assert ((back.mean(dim=0) - x[0]).abs() <= STANDARD_ERRORS * error + EXACT_TO).all()


@each
def test_with_feedback_sent_and_left_add_up_to_all_that_was_given(compressor: Compressor) -> None:
    given = torch.stack([vectors(seed=seed) for seed in range(20)])
    residual, sent = None, torch.zeros(VECTORS, FORM.numbers)
    for index, one in enumerate(given):
        both = Shared(draws=tuple(range(index, index + VECTORS)), reference=given[0])
        result = ErrorFeedback(inner=compressor).send(one, residual, FORM, both)
        assert torch.equal(result.restored, compressor.restore(result.packed))
        residual = result.residual
        sent += result.restored
    largest = max(1.0, float(sent.abs().max()))  # what is scaled up does not converge, and adds up all the same
    torch.testing.assert_close(sent + residual, given.sum(dim=0), rtol=0, atol=SUMS_TO * largest)


def test_all_that_a_scenario_can_name_are_tried() -> None:
    names = registry.FAMILIES["compression"]
    assert {registry.find("compression", name) for name in names} == {type(compressor) for compressor in COMPRESSORS}


@each
def test_the_same_draws_give_the_same_bytes(compressor: Compressor) -> None:
    first, second = (compressor.encode(compressor.compress(vectors(), FORM, shared())) for _ in range(2))
    assert first == second
