"""Error feedback: nothing is lost for good, what was sent and what is left add up to all that was to be sent."""

import numpy as np
import pytest
import torch

from training.compression.base import Compressor, Shared
from training.compression.feedback import ErrorFeedback
from training.compression.form import Form
from training.compression.magnitude_mask import MagnitudeMask
from training.compression.quantised import Int4
from training.compression.top_k import TopK

FORM = Form.flat(40)
ROUNDING = 1e-5  # of twenty sums of normal numbers in single precision


@pytest.mark.parametrize("inner", [TopK(density=0.1), MagnitudeMask(density=0.1), Int4()], ids=repr)
def test_sent_and_left_add_up_to_what_was_given(inner: Compressor) -> None:
    given = torch.from_numpy(np.random.default_rng(0).normal(size=(20, 3, 40)).astype(np.float32))
    shared = Shared(reference=given[0])
    residual, sent = None, torch.zeros(3, 40)
    for vectors in given:
        result = ErrorFeedback(inner=inner).send(vectors, residual, FORM, shared)
        assert torch.equal(result.restored, inner.restore(result.packed))
        residual = result.residual
        sent += result.restored
    assert residual is not None
    torch.testing.assert_close(sent + residual, given.sum(dim=0), rtol=ROUNDING, atol=ROUNDING)


def test_what_is_left_out_comes_later_by_hand() -> None:
    feedback, form = ErrorFeedback(inner=TopK(density="1/2")), Form.flat(2)
    first = feedback.send(torch.tensor([[3.0, 2.0]]), None, form)
    assert first.restored.tolist() == [[3.0, 0.0]]
    second = feedback.send(torch.tensor([[3.0, 2.0]]), first.residual, form)
    assert second.restored.tolist() == [[0.0, 4.0]]
    assert second.residual.tolist() == [[3.0, 0.0]]
