"""Phases as jobs: what they read, what they send, and that many clients in one pass are as many passes."""

from collections.abc import Sequence

import pytest
import torch

from training.learning import Learning
from training.optimiser import AdapterState
from training.runtime import EagerRuntime
from training.sequences import IGNORED
from training.steps import Backward, Batch, Forward, LossAndBackward

LOSS = 1e-6  # losses of about 4.6 nats in single precision
ADAPTER = 5e-5  # AdamW divides by sqrt(v): where a gradient is near zero, a step is lr times its sign


def test_a_batch_reads_its_rows_of_the_training_sequences(lab, read) -> None:
    batch = Learning(EagerRuntime(lab)).batch((7, 0))
    ids, targets = read(lab, batch)
    assert batch == Batch(rows=(7, 0), length=12)
    assert batch.shape == tuple(ids.shape) == tuple(targets.shape) == (2, 12)
    assert ids.tolist() == lab.train.ids[[7, 0]].tolist()
    assert IGNORED in targets[0, :-1]
    assert IGNORED not in targets[1, :-1]


def test_a_batch_is_cut_to_a_multiple_of_eight_tokens_that_holds_its_longest_row(lab) -> None:
    assert lab.train.tokens[[2, 7, 0]].tolist() == [8, 8, 12]
    learning = Learning(EagerRuntime(lab))
    assert [learning.batch(rows).length for rows in ((2, 7), (2,), (2, 0))] == [8, 8, 12]


def test_a_three_part_step_of_jobs_is_the_step_of_phases(lab, split_step, read) -> None:
    learning = Learning(EagerRuntime(lab))
    parts = learning.parts([1, 3])
    first, middle, last = parts
    adapters = [learning.start(part, str(part)) for part in parts]
    batch = learning.batch((2, 3, 4))
    user = learning.forward(first, adapters[0], batch)
    edge = learning.forward(middle, adapters[1], batch, [user["activation"]])
    cloud = learning.loss_and_backward(last, adapters[2], batch, [edge["activation"], user["labels"]])
    edge_back = learning.backward(middle, adapters[1], batch, edge["held"], cloud["gradient"])
    user_back = learning.backward(first, adapters[0], batch, user["held"], edge_back["gradient"])
    wanted = [cloud["loss"], user_back["adapter"], edge_back["adapter"], cloud["adapter"]]
    loss, *states = learning.runtime.values(wanted)

    starts = [[AdapterState.fresh(lab.layout.initial(part, lab.seed))] for part in parts]
    expected = split_step(lab.model, parts, starts, *read(lab, batch))
    assert loss == expected.losses.item()
    for state, [theirs] in zip(states, expected.states, strict=True):
        assert torch.equal(state.weights, theirs.weights)
        assert state.step == 1


def three_clients(lab) -> list[AdapterState]:
    """Adapters that differ, B included."""
    draw = torch.Generator().manual_seed(1)
    size = lab.layout.parameters(lab.whole)
    return [AdapterState.fresh(0.05 * torch.randn(size, generator=draw)) for _ in range(3)]


def batches(lab) -> list[Batch]:
    return [Batch(rows=rows, length=12) for rows in ((0, 1), (2, 3), (7, 5))]


def assert_states_close(ours: Sequence[AdapterState], theirs: Sequence[AdapterState]) -> None:
    for state, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(state.weights, expected.weights, rtol=0, atol=ADAPTER)
        assert state.step == expected.step


def test_whole_steps_of_three_clients_in_one_pass_are_three_steps(lab) -> None:
    group = [LossAndBackward(part=lab.whole, shape=batch.shape, batch=batch) for batch in batches(lab)]
    values = [[state] for state in three_clients(lab)]
    together = LossAndBackward.run_together(lab, group, values)
    apart = [step.run(lab, given) for step, given in zip(group, values, strict=True)]
    assert [found["loss"] for found in together] == pytest.approx([found["loss"] for found in apart], abs=LOSS)
    assert_states_close([found["adapter"] for found in together], [found["adapter"] for found in apart])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1,)], ids=str)
def test_backwards_in_other_company_than_their_forwards_are_the_same(lab, order) -> None:
    """One graph serves those who went forward together; for any others it is made anew."""
    first = lab.model.parts([2])[0]
    states = [state.sliced(lab.layout.slice_of(first)) for state in three_clients(lab)]
    forwards = [Forward(part=first, shape=batch.shape, batch=batch) for batch in batches(lab)]
    together = Forward.run_together(lab, forwards, [[state] for state in states])
    gradient = torch.randn(together[0]["activation"].shape, generator=torch.Generator().manual_seed(2))
    backward = Backward(part=first, shape=(2, 12))
    given = [[states[i], together[i]["held"], (i + 1) * gradient] for i in order]
    found = Backward.run_together(lab, [backward] * len(order), given)

    for place, i in enumerate(order):
        alone = forwards[i].run(lab, [states[i]])
        expected = backward.run(lab, [states[i], alone["held"], (i + 1) * gradient])
        assert_states_close([found[place]["adapter"]], [expected["adapter"]])
        torch.testing.assert_close(together[i]["activation"], alone["activation"])


def test_a_backward_can_be_done_twice(lab) -> None:
    """The graph is used up by the first, and made anew for the second."""
    first = lab.model.parts([2])[0]
    state = three_clients(lab)[0].sliced(lab.layout.slice_of(first))
    batch = batches(lab)[0]
    went = Forward(part=first, shape=batch.shape, batch=batch).run(lab, [state])
    gradient = torch.ones_like(went["activation"])
    once, twice = (Backward(part=first, shape=batch.shape).run(lab, [state, went["held"], gradient]) for _ in range(2))
    assert torch.equal(once["adapter"].weights, twice["adapter"].weights)
    assert not torch.equal(once["adapter"].weights, state.weights)


def test_only_equal_parts_and_shapes_may_share_a_pass(lab) -> None:
    first, last = lab.model.parts([2])
    batch = batches(lab)[0]
    short = Batch(rows=(2, 7), length=8)
    phases = [
        Forward(part=first, shape=batch.shape, batch=batch),
        Forward(part=last, shape=batch.shape),
        Forward(part=first, shape=short.shape, batch=short),
        Backward(part=first, shape=batch.shape),
        LossAndBackward(part=first, shape=batch.shape, batch=batch),
    ]
    assert len({phase.wave(lab) for phase in phases}) == len(phases)
    assert Forward(part=first, shape=batch.shape, batch=batches(lab)[1]).wave(lab) == phases[0].wave(lab)
