"""Error feedback by hand; that it adds up is in the contract of compressors."""

import torch

from training.compression.feedback import ErrorFeedback
from training.compression.form import Form
from training.compression.top_k import TopK


def test_what_is_left_out_comes_later() -> None:
    feedback, form = ErrorFeedback(inner=TopK(density="1/2")), Form.flat(2)
    first = feedback.send(torch.tensor([[3.0, 2.0]]), None, form)
    assert first.restored.tolist() == [[3.0, 0.0]]
    second = feedback.send(torch.tensor([[3.0, 2.0]]), first.residual, form)
    assert second.restored.tolist() == [[0.0, 4.0]]
    assert second.residual.tolist() == [[3.0, 0.0]]
