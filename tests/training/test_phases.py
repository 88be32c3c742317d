"""Phases: training in parts is training in one piece, and touches nothing but the adapters."""

import copy
from itertools import combinations

import pytest
import torch
from torch import Tensor

from training import lora
from training.optimiser import AdapterState
from training.sequences import IGNORED
from training.split_model import SplitModel

STEPS = 4
TOLERANCE = 1e-6  # losses and gradients differ by the order of single-precision sums alone
STEPPED_TOLERANCE = 5e-5  # AdamW divides by sqrt(v): where a gradient is near zero, a step is lr times its sign

CUTS = [list(cuts) for number in (1, 2) for cuts in combinations((1, 2, 3), number)]


def start_of(model: SplitModel, parts: list, adapter: Tensor) -> list[AdapterState]:
    return [AdapterState.fresh(adapter[model.layout.slice_of(part)]) for part in parts]


def batch_of(data, step: int) -> tuple[Tensor, Tensor]:
    rows = slice(3 * step, 3 * step + 3)
    return torch.from_numpy(data.ids[rows]), torch.from_numpy(data.targets[rows])


def named(model: SplitModel, parts: list, flats: list[Tensor]) -> dict[str, Tensor]:
    return {
        name: t
        for p, flat in zip(parts, flats, strict=True)
        for name, t in lora.state_dict(model.layout, p, flat).items()
    }


def assert_same(ours: dict[str, Tensor], theirs: dict[str, Tensor], tolerance: float) -> None:
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        torch.testing.assert_close(
            ours[name], tensor, rtol=0, atol=tolerance, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_split_training_is_plain_peft_training(family, cuts, plain_peft, split_step, tokens, adapter_of) -> None:
    model = family.split()
    parts = model.parts(cuts)
    states = start_of(model, parts, adapter_of(model))
    data = tokens(3 * STEPS, 10, padded=[1, 5])
    plain = plain_peft(family.build(), family.lora(), named(model, parts, [state.weights for state in states]))
    for number in range(STEPS):
        ids, targets = batch_of(data, number)
        step = split_step(model, parts, states, ids, targets)
        loss, gradients = plain.step(ids, targets)
        assert step.loss == pytest.approx(loss, abs=TOLERANCE)
        assert_same(named(model, parts, step.gradients), gradients, TOLERANCE)
        states = step.states
    assert_same(named(model, parts, [state.weights for state in states]), plain.adapter(), STEPPED_TOLERANCE)


@pytest.mark.parametrize("change", ["scale", "one weight", "order of parts' adapters"])
def test_the_comparison_with_peft_would_notice(family, change, plain_peft, split_step, tokens, adapter_of) -> None:
    model = family.split()
    parts, adapter = model.parts([2]), adapter_of(model)
    ids, targets = batch_of(tokens(3, 10), 0)
    config = family.lora(lora_alpha=8.1) if change == "scale" else family.lora()
    plain = plain_peft(family.build(), config, named(model, parts, [adapter[model.layout.slice_of(p)] for p in parts]))
    if change == "one weight":
        adapter[0] += 1e-3
    if change == "order of parts' adapters":
        adapter = adapter.roll(len(adapter) // 2)
    step = split_step(model, parts, start_of(model, parts, adapter), ids, targets)
    _, gradients = plain.step(ids, targets)
    with pytest.raises(AssertionError):
        assert_same(named(model, parts, step.gradients), gradients, TOLERANCE)


def test_where_the_model_is_cut_changes_no_bit(family, split_step, tokens, adapter_of) -> None:
    model = family.split()
    data, adapter = tokens(3 * STEPS, 10, padded=[1, 5]), adapter_of(model)
    runs = []
    for cuts in [[], *CUTS]:
        parts = model.parts(cuts)
        states, losses = start_of(model, parts, adapter), []
        for number in range(STEPS):
            step = split_step(model, parts, states, *batch_of(data, number))
            losses.append(step.loss)
            states = step.states
        runs.append((losses, torch.cat([state.weights for state in states])))
    assert all(losses == runs[0][0] for losses, _ in runs)
    assert all(torch.equal(weights, runs[0][1]) for _, weights in runs)


def test_the_base_and_what_came_in_stay_as_they_are(family, split_step, tokens, adapter_of) -> None:
    model = family.split()
    before, adapter = copy.deepcopy(model.model.state_dict()), adapter_of(model)
    given = adapter.clone()
    split_step(model, model.parts([1, 2]), start_of(model, model.parts([1, 2]), adapter), *batch_of(tokens(3, 10), 0))
    assert torch.equal(adapter, given)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.model.state_dict().items())
    assert all(p.grad is None for p in model.model.parameters())


def test_padding_teaches_nothing(family, split_step, tokens, adapter_of) -> None:
    model = family.split()
    parts = model.parts([2])
    states = start_of(model, parts, adapter_of(model))
    ids, _ = batch_of(tokens(3, 9), 0)
    short = split_step(model, parts, states, ids, ids)
    padding = torch.zeros(3, 4, dtype=torch.long)
    targets = torch.cat([ids, padding + IGNORED], dim=1)
    padded = split_step(model, parts, states, torch.cat([ids, padding], dim=1), targets)
    assert padded.loss == pytest.approx(short.loss, abs=TOLERANCE)
    for ours, theirs in zip(padded.gradients, short.gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE)


def test_a_batch_of_padding_has_loss_zero_and_no_gradient(family, split_step, adapter_of) -> None:
    model = family.split()
    parts = model.parts([2])
    nothing = torch.full((2, 8), IGNORED)
    step = split_step(model, parts, start_of(model, parts, adapter_of(model)), torch.zeros_like(nothing), nothing)
    assert step.loss == 0
    assert all(not gradient.any() and gradient.isfinite().all() for gradient in step.gradients)


def test_a_first_part_without_adapted_matrices_trains_nothing_and_the_rest_goes_on(gpt2, tokens, split_step) -> None:
    model = SplitModel.adapt(gpt2.build(), gpt2.lora(layers_to_transform=[2, 3]))
    parts = model.parts([1, 2])
    states = start_of(model, parts, torch.full((model.layout.parameters(model.whole),), 0.01))
    step = split_step(model, parts, states, *batch_of(tokens(3, 10), 0))
    assert [gradient.numel() for gradient in step.gradients[:2]] == [0, 0]
    assert step.gradients[2].any()
