"""Evaluation: means over all predicted tokens, as the Hugging Face model's own loss has them."""

import math

import numpy as np
import pytest
import torch

from training import losses
from training.adapters import state_dict
from training.evaluation import evaluate
from training.metrics import Metrics
from training.sequences import IGNORED

ROUNDING = 1e-6  # single precision: means of the same numbers, summed in another order
ROWS = 19  # more than one call of 16 rows, and no multiple of it


def test_loss_is_the_token_weighted_mean_of_the_models_own_loss(family, plain_peft, tokens, adapter_of) -> None:
    model = family.split()
    adapter, data = adapter_of(model), tokens(ROWS, 12, padded=[0, 3, 18])
    plain = plain_peft(family.build(), family.lora(), state_dict(model.layout, adapter))
    total = 0.0
    for ids, targets in zip(torch.from_numpy(data.ids), torch.from_numpy(data.targets), strict=True):
        total += plain.loss(ids[None], targets[None]).item() * int((targets != IGNORED).sum())
    predicted = data.tokens.sum() - ROWS  # the first token of a row is predicted by none
    assert evaluate(model, adapter, data).loss == pytest.approx(total / predicted, abs=ROUNDING)


def test_accuracy_is_the_share_of_tokens_that_greedy_decoding_gets_right(family, tokens, adapter_of) -> None:
    model = family.split()
    adapter, data = adapter_of(model), tokens(ROWS, 12, padded=[0, 3, 18])
    matrices = model.layout.matrices(model.whole, adapter[None])
    guesses = model.head(model.forward(model.whole, matrices, torch.from_numpy(data.ids))).argmax(-1)
    data.targets[:9, :-1] = guesses[:9, :-1]  # nine rows are made right, the others are random
    pairs = [
        (int(guesses[row, place]), target)
        for row in range(ROWS)
        for place, target in enumerate(data.targets[row])
        if target != IGNORED
    ]
    right = sum(guess == target for guess, target in pairs)
    accuracy = evaluate(model, adapter, data).accuracy
    assert accuracy == right / len(pairs)
    assert 0.3 < accuracy < 0.9


def test_padding_changes_nothing(family, tokens, adapter_of) -> None:
    model = family.split()
    adapter, data = adapter_of(model), tokens(6, 12, padded=[1])
    scrambled = data.select(range(6))
    scrambled.ids[np.arange(12) >= data.tokens[:, None]] = 55
    assert evaluate(model, adapter, scrambled) == evaluate(model, adapter, data)


def test_chunks_of_logits_change_no_metric(family, tokens, adapter_of, monkeypatch) -> None:
    model = family.split()
    adapter, data = adapter_of(model), tokens(6, 12, padded=[1])
    whole = evaluate(model, adapter, data)
    monkeypatch.setattr(losses, "MOST_LOGITS_BYTES", 7 * 101 * 4)  # seven positions at once
    in_chunks = evaluate(model, adapter, data)
    assert in_chunks.loss == pytest.approx(whole.loss, abs=ROUNDING)
    assert in_chunks.accuracy == whole.accuracy


def test_perplexity_is_the_exponential_of_the_loss_even_of_a_diverged_one() -> None:
    assert Metrics(loss=math.log(50), accuracy=0.0).perplexity == pytest.approx(50)
    assert Metrics(loss=1e4, accuracy=0.0).perplexity == math.inf
    assert math.isnan(Metrics(loss=math.nan, accuracy=0.0).perplexity)


def test_evaluating_leaves_no_gradient_and_no_adapter_behind(gpt2, tokens, adapter_of) -> None:
    model = gpt2.split()
    data = tokens(3, 12)
    evaluate(model, adapter_of(model).requires_grad_(), data)
    ids = torch.from_numpy(data.ids)
    assert torch.equal(model.model(input_ids=ids).logits, gpt2.build()(input_ids=ids).logits)
