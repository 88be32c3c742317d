"""Compression as operations: sizes before values, what arrives by hand, and steps that then run part by part."""

import pytest
import torch

from training.adapters import AdapterLayout, HeadSite
from training.compression.exact import Exact
from training.compression.form import Form, Piece, adapter_form
from training.compression.half import Half
from training.compression.low_rank import LowRank
from training.compression.quantised import Int8
from training.compression.random_k import RandomK
from training.compression.sparse import largest
from training.compression.top_k import TopK
from training.deferred import DeferredRuntime
from training.jobs import Ref
from training.learning import Learning
from training.runtime import AnalyticRuntime, EagerRuntime
from training.steps import Batch

BATCH = Batch(rows=(0, 3), length=8)
ROUNDING = 1e-7  # of sums of weights of about a tenth in single precision


def weights(learning: Learning, *refs: Ref) -> list[torch.Tensor]:
    return [state.weights for state in learning.runtime.values(refs)]


def same(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> bool:
    """To the bit."""
    return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def trained(learning: Learning, rows: tuple[int, ...], ranks: tuple[int, ...] | None = None) -> Ref:
    """A whole adapter after one step."""
    start = learning.start(learning.whole, f"client {rows}", ranks)
    return learning.loss_and_backward(learning.whole, start, Batch(rows=rows, length=8))["adapter"]


def test_an_adapter_has_a_layer_a_block_and_one_for_the_head(lab) -> None:
    head = HeadSite(path="score", block=3, inputs=32, outputs=7, deviation=0.02)
    layout = AdapterLayout((*lab.layout.sites, head))
    form = adapter_form(layout, lab.whole)
    matrices = layout.matrices(lab.whole, torch.arange(form.numbers)[None])
    assert [(piece.rows, piece.columns) for piece in form.pieces] == [tuple(matrix.shape[1:]) for matrix in matrices]
    assert len(form.layers) == 5
    assert form.layers[-1] == 7 * 32
    assert sum(form.layers) == form.numbers == layout.parameters(lab.whole)


def test_the_difference_is_sent_and_what_both_have_is_added_again(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    base, after = learning.start(learning.whole, "both"), trained(learning, (0, 3))
    job = learning.compress_adapter(learning.whole, TopK(density="1/8"), after, "sent", base=base)
    before, wanted, arrived = weights(learning, base, after, job["adapter"])
    difference = (wanted - before)[None]
    where = largest(difference, len(wanted) // 8)[0]
    expected = before.clone()
    expected[where] += difference[0, where]
    assert torch.equal(arrived, expected)


def test_without_a_base_the_weights_are_sent(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    after = trained(learning, (0, 3))
    job = learning.compress_adapter(learning.whole, Half(), after, "sent")
    wanted, arrived = weights(learning, after, job["adapter"])
    assert torch.equal(arrived, wanted.half().float())
    assert job["adapter"].nbytes == after.nbytes // 2
    assert job["adapter"].output.restored == after.output


def test_feedback_adds_what_was_left_out(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    base, first, second = learning.start(learning.whole, "both"), trained(learning, (0, 3)), trained(learning, (1, 2))
    compressor = TopK(density="1/8")
    sent = learning.compress_adapter(learning.whole, compressor, first, "sent", base=base, feedback=True)
    again = learning.compress_adapter(
        learning.whole, compressor, second, "sent", base=base, residual=sent["residual"], feedback=True
    )
    start, one, two, arrived, residual = weights(learning, base, first, second, sent["adapter"], sent["residual"])
    torch.testing.assert_close(arrived - start + residual, one - start, rtol=0, atol=ROUNDING)
    later, left = weights(learning, again["adapter"], again["residual"])
    torch.testing.assert_close(later - start + left, two - start + residual, rtol=0, atol=ROUNDING)


def test_a_narrow_adapter_is_sent_within_its_ranks(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    ranks = learning.all_of_rank(2)
    after = trained(learning, (0, 3), ranks)
    wide = trained(learning, (1, 2))
    compressor = Int8(block=16)
    job = learning.compress_adapter(learning.whole, compressor, after, "sent", base=wide)
    narrow = adapter_form(lab.layout, learning.whole, ranks)
    assert 4 * narrow.numbers == after.nbytes == job["adapter"].output.restored.nbytes
    assert job["adapter"].nbytes == compressor.nbytes(narrow)
    assert job["adapter"].output.ranks == ranks
    arrived, wanted = weights(learning, job["adapter"], after)
    within = lab.layout.narrow(learning.whole, torch.ones_like(arrived), ranks).bool()
    assert not arrived[~within].any()
    assert (arrived - wanted)[within].abs().max() < (wanted - weights(learning, wide)[0]).abs().max() / 127


def test_an_average_of_compressed_adapters_is_whole_again(lab) -> None:
    learning = Learning(AnalyticRuntime(lab))
    start = learning.start(learning.whole, "client")
    sent = learning.compress_adapter(learning.whole, TopK(density="1/16"), start, "sent")["adapter"]
    assert sent.nbytes < start.nbytes / 8
    job = learning.average([sent, sent], [1, 1], "average")
    assert job["adapter"].output == start.output
    assert job.cost == learning.average([start, start], [1, 1], "average").cost


@pytest.mark.parametrize("runtime", [EagerRuntime, DeferredRuntime, AnalyticRuntime])
def test_sizes_are_known_before_values(lab, runtime) -> None:
    learning = Learning(runtime(lab))
    first, _ = learning.parts([2])
    job = learning.forward(first, learning.start(first, "first"), BATCH)
    small = learning.compress_activation("activation", Int8(), BATCH, job["activation"])
    assert small["activation"].nbytes == 2 * 8 * 32 * (64 + 4) // 64
    assert job["activation"].nbytes == 2 * 8 * 32 * 4
    assert small["activation"].output.kind == "activation"


def test_an_activation_is_a_matrix_with_a_row_a_token(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    first, _ = learning.parts([2])
    job = learning.forward(first, learning.start(first, "first"), BATCH)
    compressor = LowRank(rank=3)
    small = learning.compress_activation("activation", compressor, BATCH, job["activation"])
    given, arrived = learning.runtime.values([job["activation"], small["activation"]])
    assert arrived.shape == given.shape == (2, 8, 32)
    expected = compressor.passed(given.reshape(1, -1), Form((Piece(16, 32),)))
    assert torch.equal(arrived, expected.view(2, 8, 32))
    assert torch.linalg.matrix_rank(arrived.view(16, 32)) == 3


def step(learning: Learning, forth: object, back: object) -> list[Ref]:
    """One step in two parts with these compressors, or none, on the activation and on its gradient."""
    first, last = learning.parts([2])
    mine, other = learning.start(first, "first"), learning.start(last, "last")
    forward = learning.forward(first, mine, BATCH)
    arrived = forward["activation"]
    if forth:
        arrived = learning.compress_activation("activation", forth, BATCH, arrived, draw=5)["activation"]
    job = learning.loss_and_backward(last, other, BATCH, [arrived, forward["labels"]])
    gradient = job["gradient"]
    if back:
        gradient = learning.compress_activation("gradient", back, BATCH, gradient, draw=6)["gradient"]
    return [learning.backward(first, mine, BATCH, forward["held"], gradient)["adapter"], job["adapter"]]


class Quiet(Exact):
    """Exact, but does not say so: it stands between the parts like any other."""

    exact = False


@pytest.mark.parametrize("forth", [None, Quiet(), Int8(), RandomK(density="1/2")], ids=repr)
@pytest.mark.parametrize("back", [None, Quiet(), Half()], ids=repr)
def test_however_it_is_executed_a_step_is_the_same_to_the_bit(lab, forth, back) -> None:
    eager, deferred = Learning(EagerRuntime(lab)), Learning(DeferredRuntime(lab))
    assert same(weights(deferred, *step(deferred, forth, back)), weights(eager, *step(eager, forth, back)))


def test_what_is_lossless_changes_no_bit(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    assert same(weights(learning, *step(learning, Quiet(), Quiet())), weights(learning, *step(learning, None, None)))


def test_with_compression_between_them_parts_no_longer_learn_as_one(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    whole, parts = step(learning, None, None), step(learning, Quiet(), None)
    assert all(ref.value is not None and ref.value.part is not None for ref in whole)
    assert all(ref.value is not None and ref.value.part is None for ref in parts)


def test_lossy_ones_change_the_step(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    plain, lossy = (weights(learning, *step(learning, forth, None)) for forth in (None, Int8()))
    assert not torch.equal(plain[0], lossy[0])
    assert not torch.equal(plain[1], lossy[1])


def test_another_compressor_or_draw_is_another_key(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    first, _ = learning.parts([2])
    ref = learning.forward(first, learning.start(first, "first"), BATCH)["activation"]
    jobs = [
        learning.compress_activation("activation", compressor, BATCH, ref, draw)
        for compressor, draw in [(Int8(), 0), (Int8(block=32), 0), (Half(), 0), (Int8(), 1)]
    ]
    assert len({job.task.key for job in jobs if job.task is not None}) == len(jobs)
