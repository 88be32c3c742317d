"""Blocks below the first adapter: run once a row, and the numbers are those of running them in every step."""

from dataclasses import replace

import pytest
import torch

from training.adapters import Part, state_dict
from training.base_model import BaseModel
from training.entrance import Entrance
from training.evaluation import evaluate
from training.lab import Lab
from training.learning import Learning
from training.optimiser import AdamW
from training.runtime import EagerRuntime

TOLERANCE = 1e-6  # activations and losses: rows go through alone instead of together
ADAPTER = 5e-5  # AdamW divides by sqrt(v): where a gradient is near zero, a step is lr times its sign
FROZEN = 2


@pytest.fixture
def half_adapted(family, tokens, tokenizer) -> Lab:
    """Four blocks, the upper two adapted; rows 2 and 7 are padded."""
    base = BaseModel(name="tiny", model=family.build(), tokenizer=tokenizer, sha256="")
    data = {"train": tokens(12, 12, padded=[2, 7]), "held_out": tokens(3, 12)}
    config = family.lora(layers_to_transform=[FROZEN, FROZEN + 1])
    return Lab.open(base, config, **data, optimiser=AdamW(lr=1e-3), seed=5)


@pytest.fixture
def blocks_run(half_adapted, monkeypatch) -> list[Part]:
    """Every part that runs."""
    seen: list[Part] = []
    run = type(half_adapted.model).forward

    def noted(model, part, *given, **named):
        if model is half_adapted.model:  # and not the cost model
            seen.append(part)
        return run(model, part, *given, **named)

    monkeypatch.setattr(type(half_adapted.model), "forward", noted)
    return seen


def test_activations_are_those_of_the_frozen_blocks_and_zero_beyond_a_rows_tokens(half_adapted, read) -> None:
    lab = half_adapted
    batch = Learning(EagerRuntime(lab)).batch((7, 0))
    ids, _ = read(lab, batch)
    below = Part(first=0, last=FROZEN)
    expected = lab.model.forward(below, [], ids)
    part, found = lab.train_rows.enter(lab.model, lab.whole, batch.rows, batch.length)
    assert part == Part(first=FROZEN, last=4)
    short = int(lab.train.tokens[7])
    assert short < batch.length
    torch.testing.assert_close(found[1], expected[1], rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(found[0, :short], expected[0, :short], rtol=0, atol=TOLERANCE)
    assert not found[0, short:].any()


@pytest.mark.parametrize("cuts", [[], [1], [3], [1, 3]], ids=str)
def test_steps_over_a_frozen_prefix_are_those_of_plain_peft(half_adapted, family, plain_peft, read, cuts) -> None:
    """Two epochs of a batch, so that the second finds its activations."""
    lab = half_adapted
    learning = Learning(EagerRuntime(lab))
    parts = learning.parts(cuts)
    start = lab.layout.initial(lab.whole, lab.seed)
    config = family.lora(layers_to_transform=[FROZEN, FROZEN + 1])
    plain = plain_peft(family.build(), config, state_dict(lab.layout, start))
    adapters = [learning.start(part, str(part)) for part in parts]
    for _ in range(2):
        batch = learning.batch((2, 3, 7))
        arrived, forwards = [], []
        for part, adapter in zip(parts[:-1], adapters, strict=False):
            job = learning.forward(part, adapter, batch, arrived[:1])
            arrived = [job["activation"], *(arrived[1:] or [job["labels"]])]
            forwards.append(job)
        job = learning.loss_and_backward(parts[-1], adapters[-1], batch, arrived)
        loss, adapters[-1] = job["loss"], job["adapter"]
        for place in reversed(range(len(forwards))):
            job = learning.backward(parts[place], adapters[place], batch, forwards[place]["held"], job["gradient"])
            adapters[place] = job["adapter"]
        expected, _ = plain.step(*read(lab, batch))
        assert learning.values([loss]) == pytest.approx([expected], abs=TOLERANCE)
    trained = torch.cat([state.weights for state in learning.values(adapters)])
    for name, theirs in plain.adapter().items():
        torch.testing.assert_close(state_dict(lab.layout, trained)[name], theirs, rtol=0, atol=ADAPTER)


def test_a_row_goes_through_the_frozen_blocks_once(half_adapted, blocks_run) -> None:
    learning = Learning(EagerRuntime(half_adapted))
    state = learning.start(learning.whole, "user")
    for rows in ((0, 1), (1, 3), (3, 0)):
        state = learning.loss_and_backward(learning.whole, state, learning.batch(rows))["adapter"]
    learning.values([state])
    assert blocks_run.count(Part(first=0, last=FROZEN)) == len({0, 1, 3})
    assert blocks_run.count(Part(first=FROZEN, last=4)) == 3
    assert learning.whole not in blocks_run


def test_beyond_its_bytes_the_rows_used_longest_ago_are_forgotten(half_adapted, blocks_run) -> None:
    lab = half_adapted
    one = 12 * 32 * 4
    entrance = Entrance(lab.train, most_bytes=2 * one)
    for row in (0, 1, 0, 3):  # row 1 goes for row 3
        entrance.enter(lab.model, lab.whole, [row], 12)
    blocks_run.clear()
    entrance.enter(lab.model, lab.whole, [0, 3], 12)
    assert not blocks_run
    entrance.enter(lab.model, lab.whole, [1], 12)
    assert len(blocks_run) == 1


def test_lanes_share_what_is_known(half_adapted) -> None:
    assert half_adapted.replica().train_rows is half_adapted.train_rows
    assert replace(half_adapted, seed=1).train_rows is half_adapted.train_rows


def test_evaluations_go_through_the_frozen_blocks_once_and_find_what_the_model_finds(half_adapted, blocks_run) -> None:
    lab = half_adapted
    learning = Learning(EagerRuntime(lab))
    state = learning.loss_and_backward(learning.whole, learning.start(learning.whole, "user"), learning.batch((0, 1)))
    for adapter in (learning.start(learning.whole, "user"), state["adapter"]):
        (found,) = learning.values([learning.evaluate([adapter])])
    below = blocks_run.count(Part(first=0, last=FROZEN))
    assert below == len({0, 1}) + len(lab.held_out)
    (trained,) = learning.values([state["adapter"]])
    expected = evaluate(lab.model, trained.weights, lab.held_out)
    assert found.loss == pytest.approx(expected.loss, abs=TOLERANCE)
