"""Phases: training many clients in parts is training each in one piece, and touches nothing but the adapters."""

import copy
from functools import partial
from itertools import combinations

import pytest
import torch

from tests.training.plain_training import (
    CLIENTS,
    ROWS,
    STEPS,
    TOLERANCE,
    assert_same,
    assert_trains_as_plain_peft,
    batch_of,
    named,
    states_of,
    weights_of,
)
from training import phases
from training.adapters import state_dict
from training.sequences import IGNORED
from training.split_model import SplitModel

CUTS = [list(cuts) for number in range(4) for cuts in combinations((1, 2, 3), number)]


@pytest.mark.parametrize("options", [{}, {"rank_pattern": {"c_attn": 7}, "alpha_pattern": {"c_proj": 3}}], ids=str)
def test_ranks_and_scales_of_patterns_train_as_pefts(gpt2, options, plain_peft, split_step, tokens, adapter_of) -> None:
    assert_plain_training(gpt2, options, [2], plain_peft, split_step, tokens, adapter_of)


@pytest.mark.parametrize("cuts", [[], [2], [1, 3]], ids=str)  # the others are the same to the bit, as tested below
def test_clients_trained_together_in_parts_are_plain_peft_loops(
    any_family, cuts, plain_peft, split_step, tokens, adapter_of
) -> None:
    assert_plain_training(any_family, {}, cuts, plain_peft, split_step, tokens, adapter_of)


def assert_plain_training(family, options, cuts, plain_peft, split_step, tokens, adapter_of) -> None:
    config = family.lora(**options)
    model, base = SplitModel.adapt(family.build(), config), family.build()
    data = tokens(CLIENTS * ROWS * STEPS, 10, padded=[1, 5])
    adapters = [adapter_of(model, seed) for seed in range(CLIENTS)]
    assert_trains_as_plain_peft(model, cuts, data, adapters, partial(plain_peft, base, config), split_step)


@pytest.mark.parametrize("change", ["scale", "one weight", "order of parts' adapters", "order of clients' adapters"])
def test_the_comparison_with_peft_would_notice(family, change, plain_peft, split_step, tokens, adapter_of) -> None:
    model = family.split()
    parts, adapters = model.parts([2]), [adapter_of(model, seed) for seed in (0, 1)]
    ids, targets = batch_of(tokens(4, 10), 0, 4)
    config = family.lora(lora_alpha=8.1) if change == "scale" else family.lora()
    plain = plain_peft(family.build(), config, state_dict(model.layout, adapters[0]))
    match change:
        case "one weight":
            adapters[0][0] += 1e-3
        case "order of parts' adapters":
            adapters[0] = adapters[0].roll(len(adapters[0]) // 2)
        case "order of clients' adapters":
            adapters.reverse()
    step = split_step(model, parts, states_of(model, parts, *adapters), ids, targets)
    _, gradients = plain.step(ids[:2], targets[:2])
    with pytest.raises(AssertionError):
        assert_same(named(model, step.gradients, client=0), gradients, TOLERANCE)


def test_where_the_model_is_cut_changes_no_bit(any_family, split_step, tokens, adapter_of) -> None:
    model = any_family.split()
    data, adapters = tokens(4 * 3, 10, padded=[1, 5]), [adapter_of(model, seed) for seed in (0, 1)]
    runs = []
    for cuts in CUTS:
        parts = model.parts(cuts)
        states, losses = states_of(model, parts, *adapters), []
        for number in range(3):
            step = split_step(model, parts, states, *batch_of(data, number, 4))
            losses += step.losses.tolist()
            states = step.states
        runs.append((losses, torch.cat([torch.stack(weights) for weights in weights_of(states)], dim=1)))
    assert all(losses == runs[0][0] for losses, _ in runs)
    assert all(torch.equal(weights, runs[0][1]) for _, weights in runs)


def test_a_clients_numbers_do_not_depend_on_its_neighbours(any_family, tokens, adapter_of) -> None:
    """To the bit, on one thread: observed of the kernels, and what makes any grouping of clients give one result."""
    model = any_family.split()
    ids, targets = batch_of(tokens(5 * 4, 16, padded=[6]), 0, 20)
    adapters = torch.stack([adapter_of(model, seed) for seed in range(5)])
    for group in ([0], [0, 1], [2, 0], [3, 1, 0, 4, 2]):
        rows = torch.cat([torch.arange(4) + 4 * client for client in group])
        losses, found = phases.loss_and_backward(model, model.whole, adapters[group], ids[rows], targets[rows])
        place = group.index(0)
        if group == [0]:
            alone = (losses[0], found.adapter[0])
        assert torch.equal(losses[place], alone[0])
        assert torch.equal(found.adapter[place], alone[1])


def test_a_client_that_diverged_leaves_its_neighbours_alone(gpt2, tokens, adapter_of) -> None:
    model = gpt2.split()
    ids, targets = batch_of(tokens(4, 10), 0, 4)
    adapters = torch.stack([adapter_of(model), torch.full((model.layout.parameters(model.whole),), torch.nan)])
    losses, found = phases.loss_and_backward(model, model.whole, adapters, ids, targets)
    assert losses.isfinite().tolist() == [True, False]
    assert found.adapter[0].isfinite().all()


def test_saying_how_many_predictions_there_are_changes_no_bit(family, tokens, adapter_of) -> None:
    model = family.split()
    ids, targets = batch_of(tokens(4, 10), 0, 4)
    adapters = torch.stack([adapter_of(model, seed) for seed in (0, 1)])
    plain, said = (
        phases.loss_and_backward(model, model.whole, adapters, ids, targets, predictions)
        for predictions in (None, 4 * 9)
    )
    assert torch.equal(plain[0], said[0])
    assert torch.equal(plain[1].adapter, said[1].adapter)


def test_nothing_is_computed_backwards_below_the_first_adapted_block(gpt2, tokens) -> None:
    model = SplitModel.adapt(gpt2.build(), gpt2.lora(layers_to_transform=[2, 3]))
    embeddings, below = [], []
    model.model.get_input_embeddings().register_forward_hook(lambda _, __, out: embeddings.append(out))
    model.model.get_decoder().h[1].register_forward_hook(lambda _, __, out: below.append(out))
    adapters = torch.full((1, model.layout.parameters(model.whole)), 0.01)
    phases.loss_and_backward(model, model.whole, adapters, *batch_of(tokens(2, 10), 0, 2))
    assert not embeddings[0].requires_grad
    assert not torch.as_tensor(below[0]).requires_grad


def test_the_base_and_what_came_in_stay_as_they_are(family, split_step, tokens, adapter_of) -> None:
    model = family.split()
    before, adapter = copy.deepcopy(model.model.state_dict()), adapter_of(model)
    given, parts = adapter.clone(), model.parts([1, 2])
    split_step(model, parts, states_of(model, parts, adapter), *batch_of(tokens(3, 10), 0, 3))
    assert torch.equal(adapter, given)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.model.state_dict().items())
    assert all(p.grad is None for p in model.model.parameters())


def test_padding_teaches_nothing(family, split_step, tokens, adapter_of) -> None:
    model = family.split()
    parts = model.parts([2])
    states = states_of(model, parts, adapter_of(model))
    ids, targets = batch_of(tokens(3, 9), 0, 3)
    short = split_step(model, parts, states, ids, targets)
    padding = torch.zeros(3, 4, dtype=torch.long)
    longer = torch.cat([targets, padding + IGNORED], dim=1)
    padded = split_step(model, parts, states, torch.cat([ids, padding], dim=1), longer)
    torch.testing.assert_close(padded.losses, short.losses, rtol=0, atol=TOLERANCE)
    for ours, theirs in zip(padded.gradients, short.gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE)


def test_a_batch_of_padding_has_loss_zero_and_no_gradient(family, split_step, adapter_of) -> None:
    model = family.split()
    parts = model.parts([2])
    nothing = torch.full((2, 8), IGNORED)
    step = split_step(model, parts, states_of(model, parts, adapter_of(model)), torch.zeros_like(nothing), nothing)
    assert step.losses.tolist() == [0]
    assert all(not gradient.any() and gradient.isfinite().all() for gradient in step.gradients)


def test_a_first_part_without_adapted_matrices_trains_nothing_and_the_rest_goes_on(gpt2, tokens, split_step) -> None:
    model = SplitModel.adapt(gpt2.build(), gpt2.lora(layers_to_transform=[2, 3]))
    parts = model.parts([1, 2])
    states = states_of(model, parts, torch.full((model.layout.parameters(model.whole),), 0.01))
    step = split_step(model, parts, states, *batch_of(tokens(3, 10), 0, 3))
    assert [tuple(gradient.shape) for gradient in step.gradients[:2]] == [(1, 0), (1, 0)]
    assert step.gradients[2].any()
