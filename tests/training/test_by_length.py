"""Rows of different lengths in common passes: the steps are each client's own, and little is padded."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training import phases
from training.base_model import BaseModel
from training.by_length import alike
from training.lab import Lab
from training.learning import Learning
from training.machine import Machine
from training.optimiser import AdamW, AdapterState
from training.runtime import EagerRuntime
from training.sequences import IGNORED
from training.steps import LossAndBackward

LOSS = 1e-6  # losses of about 4.6 nats in single precision: sums in another order
ADAPTER = 5e-5  # AdamW divides by sqrt(v): where a gradient is near zero, a step is lr times its sign
SEQ = 40


@given(st.lists(st.integers(1, 64), min_size=1, max_size=60), st.integers(1, 200))
def test_rows_are_dealt_out_once_shortest_first_and_groups_hold_no_more_than_fits(lengths, most) -> None:
    tokens = np.array(lengths)
    groups = list(alike(tokens, most))
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(lengths)))
    in_order = tokens[np.concatenate(groups)]
    assert (np.diff(in_order) >= 0).all()
    for group, following in zip(groups, [*groups[1:], None], strict=True):
        assert len(group) == 1 or len(group) * tokens[group].max() <= most
        if following is not None:  # the next row would not have fitted
            assert (len(group) + 1) * tokens[following[0]] > most


@pytest.fixture
def ragged(gpt2, tokens, tokenizer) -> Lab:
    """Rows of 2 to 40 tokens, and one with nothing to predict."""
    base = BaseModel(name="tiny", model=gpt2.build(), tokenizer=tokenizer, sha256="")
    train = tokens(24, SEQ)
    lengths = np.random.default_rng(3).integers(2, SEQ, size=24)
    lengths[23] = 1
    targets = np.where(np.arange(SEQ) < lengths[:, None] - 1, train.targets, IGNORED)
    train = replace(train, tokens=lengths, targets=targets)
    return Lab.open(base, gpt2.lora(), train=train, held_out=train, optimiser=AdamW(), seed=5)


def whole_step(lab: Lab, rows: tuple[int, ...]) -> LossAndBackward:
    batch = Learning(EagerRuntime(lab)).batch(rows)
    return LossAndBackward(part=lab.whole, shape=batch.shape, batch=batch)


def steps_of(lab: Lab) -> tuple[list[LossAndBackward], list[list[AdapterState]]]:
    """Five clients whose mini-batches differ in length and in number of rows."""
    draw = torch.Generator().manual_seed(1)
    size = lab.layout.parameters(lab.whole)
    rows = [(0, 1, 2), (3, 4), (5, 6, 7, 8, 9), (23, 10), (11,)]
    states = [AdapterState.fresh(0.05 * torch.randn(size, generator=draw)) for _ in rows]
    return [whole_step(lab, mine) for mine in rows], [[state] for state in states]


def test_steps_of_clients_with_different_batches_are_their_own(ragged) -> None:
    group, values = steps_of(ragged)
    together = LossAndBackward.run_together(ragged, group, values)
    apart = [step.run(ragged, given) for step, given in zip(group, values, strict=True)]
    for found, expected in zip(together, apart, strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], abs=LOSS)
        torch.testing.assert_close(found["adapter"].weights, expected["adapter"].weights, rtol=0, atol=ADAPTER)


def test_a_batch_with_nothing_to_predict_has_no_loss_and_no_gradient(ragged) -> None:
    group = [whole_step(ragged, rows) for rows in ((23,), (0, 1))]
    state = AdapterState.fresh(ragged.layout.initial(ragged.whole, 1))
    empty, other = LossAndBackward.run_together(ragged, group, [[state], [state]])
    assert empty["loss"] == 0.0
    assert torch.equal(empty["adapter"].weights, state.weights)
    assert not torch.equal(other["adapter"].weights, state.weights)


def test_short_rows_are_not_padded_to_the_longest(ragged, monkeypatch) -> None:
    lab = replace(ragged, machine=Machine(device="cpu", threads=1, tokens=2 * SEQ))
    shapes: list[tuple[int, int]] = []
    run = phases.loss_and_backward

    def noted(model, part, adapters, x, *given, **named):
        if model is lab.model:  # and not the cost model, which asks for shapes of its own
            shapes.append(tuple(x.shape))
        return run(model, part, adapters, x, *given, **named)

    monkeypatch.setattr(phases, "loss_and_backward", noted)
    group, values = steps_of(lab)
    LossAndBackward.run_together(lab, group, values)
    rows = [row for step in group for row in step.batch.rows]
    assert sum(count for count, _ in shapes) == len(rows)
    assert all(count * length <= 2 * SEQ for count, length in shapes)
    assert sum(count * length for count, length in shapes) < 1.5 * lab.train.tokens[rows].sum()
    assert sum(step.tokens() for step in group) > 1.5 * lab.train.tokens[rows].sum()
