"""Several streams and one step: the mean of what each learns is what their union learns."""

import pytest
import torch

from training.jobs import Ref
from training.joint_steps import ADAPTER_GRADIENT
from training.learning import Learning
from training.runtime import EagerRuntime
from training.steps import Batch

ADAPTER = 5e-5  # AdamW divides by sqrt(v): where a gradient is near zero, a step is lr times its sign
GRADIENT = 1e-6  # single precision gradients of about 1e-2, summed in another order
SEVERAL, ALSO = (2, 3), (4, 5, 6)


@pytest.fixture
def learning(lab) -> Learning:
    return Learning(EagerRuntime(lab))


def arriving(learning: Learning, rows: tuple[int, ...]) -> tuple[Batch, Ref, list[Ref]]:
    """A mini-batch, the adapter of the second of two parts, and what arrives there."""
    first, last = learning.parts([2])
    batch = Batch(rows=rows, length=12)
    job = learning.forward(first, learning.start(first, "user"), batch)
    return batch, learning.start(last, "cloud"), [job["activation"], job["labels"]]


def gradient_of(learning: Learning, rows: tuple[int, ...]) -> tuple[Ref, int]:
    batch, adapter, arrived = arriving(learning, rows)
    job = learning.loss_and_gradient(learning.parts([2])[1], adapter, batch, arrived)
    return job[ADAPTER_GRADIENT], learning.predictions(batch)


def test_predictions_are_the_targets_of_the_rows(lab, learning: Learning, read) -> None:
    batch = Batch(rows=SEVERAL, length=12)
    assert learning.predictions(batch) == int((read(lab, batch)[1] >= 0).sum())


def test_one_stream_alone_takes_the_whole_turn(learning: Learning) -> None:
    """The same loss, the same step and the same gradient to send back, to the bit."""
    batch, adapter, arrived = arriving(learning, SEVERAL)
    last = learning.parts([2])[1]
    apart, turn = (
        act(last, adapter, batch, arrived) for act in (learning.loss_and_gradient, learning.loss_and_backward)
    )
    step = learning.mean_step(adapter, [apart[ADAPTER_GRADIENT]], [1])
    ours = learning.runtime.values([apart["loss"], apart["gradient"], step["adapter"]])
    theirs = learning.runtime.values([turn[name] for name in ("loss", "gradient", "adapter")])
    assert ours[0] == theirs[0]
    assert torch.equal(ours[1], theirs[1])
    assert torch.equal(ours[2].weights, theirs[2].weights)
    assert (apart.cost, ours[2].step) == (turn.cost, 1)


def test_the_mean_by_predictions_is_the_gradient_of_the_union(learning: Learning) -> None:
    """Rows of unequal lengths, so that streams have unequal shares."""
    gradients, predictions = zip(*(gradient_of(learning, rows) for rows in (SEVERAL, ALSO)), strict=True)
    assert predictions[0] / predictions[1] != len(SEVERAL) / len(ALSO)
    union, _ = gradient_of(learning, SEVERAL + ALSO)
    one, other, both = learning.runtime.values([*gradients, union])
    mean = (one * predictions[0] + other * predictions[1]) / sum(predictions)
    torch.testing.assert_close(mean, both, rtol=0, atol=GRADIENT)

    batch, adapter, arrived = arriving(learning, SEVERAL + ALSO)
    joint = learning.mean_step(adapter, gradients, predictions)
    large = learning.loss_and_backward(learning.parts([2])[1], adapter, batch, arrived)
    ours, theirs = learning.runtime.values([joint["adapter"], large["adapter"]])
    torch.testing.assert_close(ours.weights, theirs.weights, rtol=0, atol=ADAPTER)
