"""Classifiers: many clients in parts are plain PEFT loops with task SEQ_CLS, heads included."""

import json
from functools import partial
from itertools import combinations

import numpy as np
import peft
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.training.plain_training import (
    CLIENTS,
    ROWS,
    STEPS,
    TOLERANCE,
    assert_trains_as_plain_peft,
    batch_of,
    states_of,
)
from training import phases
from training.adapters import Part, state_dict
from training.base_model import BaseModel, ModelNotFoundError, load_base
from training.costs import CostModel
from training.evaluation import evaluate
from training.export import save_adapter
from training.foundation import Foundation
from training.lab import open_tools
from training.lora import HEAD
from training.losses import client_losses
from training.sequences import IGNORED
from training.split_model import SplitModel

HIDDEN, CLASSES = 32, 7
FP32_BYTES = 4
LOGITS = 1e-5  # single precision logits of order 1, summed in another order
STATISTICAL = 0.05  # four standard errors of the deviation of 3,200 normal numbers: 4 / sqrt(2 * 3200)

CUTS = [list(cuts) for number in range(4) for cuts in combinations((1, 2, 3), number)]

pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing")


@pytest.mark.parametrize("cuts", [[], [2], [1, 3]], ids=str)
def test_classifiers_trained_together_in_parts_are_plain_peft_loops(
    any_family, cuts, plain_peft, split_step, labelled, adapter_of
) -> None:
    family = any_family.classifier()
    model, base = family.split(), family.build()
    data = labelled(CLIENTS * ROWS * STEPS, 10, padded=[1, 5])
    adapters = [adapter_of(model, seed) for seed in range(CLIENTS)]
    plain = partial(plain_peft, base, family.lora())
    for trained in assert_trains_as_plain_peft(model, cuts, data, adapters, plain, split_step):
        assert f"base_model.model.{HEAD}.weight" in trained


def test_logits_are_hugging_faces_at_the_last_token_that_is_not_padding(
    any_family, plain_peft, labelled, adapter_of
) -> None:
    family = any_family.classifier()
    model = family.split()
    adapter, data = adapter_of(model), labelled(5, 12, padded=[0, 3])
    matrices = model.layout.matrices(model.whole, adapter[None])
    ids = torch.from_numpy(data.ids)
    last = model.forward(model.whole, matrices, ids)[torch.arange(5), torch.from_numpy(data.tokens) - 1]
    plain = plain_peft(family.build(), family.lora(), state_dict(model.layout, adapter)).model
    torch.testing.assert_close(model.head_of(matrices)(last), plain(input_ids=ids).logits, rtol=0, atol=LOGITS)


def test_where_a_classifier_is_cut_changes_no_bit(any_family, split_step, labelled, adapter_of) -> None:
    model = any_family.classifier().split()
    data, adapters = labelled(4 * 3, 10, padded=[1, 5]), [adapter_of(model, seed) for seed in (0, 1)]
    runs = []
    for cuts in CUTS:
        parts = model.parts(cuts)
        states, losses = states_of(model, parts, *adapters), []
        for number in range(3):
            step = split_step(model, parts, states, *batch_of(data, number, 4))
            losses += step.losses.tolist()
            states = step.states
        runs.append((losses, torch.cat([torch.stack([s.weights for s in of_part]) for of_part in states], dim=1)))
    assert all(losses == runs[0][0] for losses, _ in runs)
    assert all(torch.equal(weights, runs[0][1]) for _, weights in runs)


def test_a_classifying_client_does_not_depend_on_its_neighbours(any_family, labelled, adapter_of) -> None:
    """To the bit, on one thread: observed of the kernels."""
    model = any_family.classifier().split()
    ids, targets = batch_of(labelled(5 * 4, 16, padded=[6]), 0, 20)
    adapters = torch.stack([adapter_of(model, seed) for seed in range(5)])
    found = {}
    for group in ([0], [0, 1], [2, 0], [3, 1, 0, 4, 2]):
        rows = torch.cat([torch.arange(4) + 4 * client for client in group])
        losses, gradients = phases.loss_and_backward(model, model.whole, adapters[group], ids[rows], targets[rows])
        found[tuple(group)] = losses[group.index(0)], gradients.adapter[group.index(0)]
    for loss, gradient in found.values():
        assert torch.equal(loss, found[0,][0])
        assert torch.equal(gradient, found[0,][1])


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_the_head_is_the_end_of_the_last_part_wherever_the_model_is_cut(family, cuts) -> None:
    model = family.classifier().split()
    layout, lora = model.layout, family.split().layout
    assert layout.sites[:-1] == lora.sites
    sizes = [layout.parameters(part) for part in model.parts(cuts)]
    expected = [lora.parameters(part) for part in model.parts(cuts)]
    assert sizes == [*expected[:-1], expected[-1] + CLASSES * HIDDEN]
    pieces = [layout.initial(part, seed=9) for part in model.parts(cuts)]
    assert torch.equal(torch.cat(pieces), layout.initial(model.whole, seed=9))


def test_heads_begin_as_hugging_face_begins_them_from_a_seed_of_their_own(gpt2) -> None:
    family = gpt2.classifier()
    config = family.build().config
    config.num_labels, config.initializer_range = 100, 0.3
    wide = type(family.build())(config).eval().requires_grad_(False)
    model = SplitModel.adapt(wide, family.lora())
    heads = [model.layout.initial(model.whole, seed)[-100 * HIDDEN :] for seed in range(2)]
    assert heads[0].std().item() == pytest.approx(0.3, rel=STATISTICAL)
    assert wide.score.weight.std().item() == pytest.approx(0.3, rel=STATISTICAL)
    assert not torch.equal(*heads)


def test_the_head_of_the_base_changes_no_number(gpt2, split_step, labelled, adapter_of) -> None:
    one, other = gpt2.classifier().split(), gpt2.classifier().split()
    other.head.weight.fill_(99.0)
    data = batch_of(labelled(4, 10), 0, 4)
    steps = [
        split_step(model, model.parts([2]), states_of(model, model.parts([2]), adapter_of(model)), *data)
        for model in (one, other)
    ]
    assert torch.equal(steps[0].losses, steps[1].losses)
    assert all(map(torch.equal, steps[0].gradients, steps[1].gradients))


def test_loss_and_accuracy_are_means_over_rows(family, plain_peft, labelled, adapter_of) -> None:
    family = family.classifier()
    model = family.split()
    adapter, data = adapter_of(model), labelled(19, 12, padded=[0, 18])
    plain = plain_peft(family.build(), family.lora(), state_dict(model.layout, adapter))
    ids, targets = torch.from_numpy(data.ids), torch.from_numpy(data.targets)
    with torch.no_grad():
        guesses = plain.model(input_ids=ids).logits.argmax(-1).numpy()
        loss = plain.loss(ids, targets).item()
    data.targets[:9][data.targets[:9] != IGNORED] = guesses[:9]  # nine rows are made right
    found = evaluate(model, adapter, labelled(19, 12, padded=[0, 18]))
    assert found.loss == pytest.approx(loss, abs=TOLERANCE)
    right = guesses == data.targets[data.targets != IGNORED]
    assert evaluate(model, adapter, data).accuracy == right.mean() >= 9 / 19
    assert evaluate(model, adapter, data).f1 == pytest.approx(f1_of(guesses, data.targets[data.targets != IGNORED]))


def f1_of(predicted: np.ndarray, right: np.ndarray) -> float:
    """The harmonic mean of precision and recall, averaged over the classes that are anywhere."""
    found = []
    for label in np.union1d(predicted, right):
        hits = ((predicted == label) & (right == label)).sum()
        precision, recall = (hits / max((which == label).sum(), 1) for which in (predicted, right))
        found.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    return float(np.mean(found))


def test_peft_loads_the_classifier_and_gives_the_same_logits(family, labelled, adapter_of, tmp_path) -> None:
    family = family.classifier()
    base = BaseModel(name="tiny-random", model=family.build(), tokenizer=None, sha256="")
    tools = open_tools(base, family.lora(), "cpu")
    foundation = Foundation.from_json(tools.foundation.to_json())
    assert foundation == tools.foundation
    adapter, data = adapter_of(tools.model), labelled(5, 12, padded=[0, 3])
    save_adapter(tmp_path, foundation, adapter.numpy())
    assert json.loads((tmp_path / "adapter_config.json").read_text())["task_type"] == "SEQ_CLS"

    loaded = peft.PeftModel.from_pretrained(family.build(), str(tmp_path)).eval()
    ids, targets = torch.from_numpy(data.ids), torch.from_numpy(data.targets)
    theirs = loaded(input_ids=ids, labels=targets[targets != IGNORED])
    assert evaluate(tools.model, adapter, data).loss == pytest.approx(theirs.loss.item(), abs=TOLERANCE)
    assert (theirs.logits - family.build()(input_ids=ids).logits).abs().max() > 100 * TOLERANCE  # it matters


def test_the_files_are_those_that_peft_itself_writes(gpt2, plain_peft, adapter_of, tmp_path) -> None:
    family = gpt2.classifier()
    model = family.split()
    plain = plain_peft(family.build(), family.lora(), state_dict(model.layout, adapter_of(model)))
    ours = {name: tensor.shape for name, tensor in state_dict(model.layout, adapter_of(model)).items()}
    assert ours == {name: tensor.shape for name, tensor in plain.adapter().items()}


@pytest.mark.parametrize("part", [Part(first=0, last=4), Part(first=3, last=4)], ids=str)
def test_flops_are_those_pytorch_counts_in_a_real_step_of_a_classifier(family, part, labelled, adapter_of) -> None:
    family = family.classifier()
    base = family.build()
    base.config._attn_implementation = "eager"  # PyTorch's counter does not know the CPU's fused attention
    model = SplitModel.adapt(base, family.lora())
    ids, targets = batch_of(labelled(3, 16), 0, 3)
    x = ids if part.first == 0 else torch.randn(3, 16, HIDDEN)
    adapter = adapter_of(model)[None, model.layout.slice_of(part)]
    with FlopCounterMode(display=False) as forward:
        held = phases.forward(model, part, adapter, x)
        loss = client_losses(model.head_of(held.leaves), held.output, targets, clients=1)
    with FlopCounterMode(display=False) as backward:
        torch.autograd.grad(loss, [*held.leaves, *([held.arriving] if part.first else [])], torch.ones_like(loss))
    costs = CostModel(type(base), base.config, model.layout)
    counted = forward.get_total_flops() + backward.get_total_flops()
    assert costs.loss_and_backward(part, 3, 16).flops == counted


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_frozen_weights_are_the_trunks_as_the_head_is_trained(any_family, cuts) -> None:
    model = any_family.classifier().split()
    base = any_family.classifier().build()
    frozen = sum(p.numel() for name, p in base.named_parameters() if not name.startswith(HEAD))
    assert sum(model.weight_bytes(part) for part in model.parts(cuts)) == FP32_BYTES * frozen


@pytest.fixture
def folder(gpt2, tokenizer, tmp_path):
    gpt2.build().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_a_language_model_becomes_a_classifier_on_the_same_decoder(gpt2, folder, capfd) -> None:
    base = load_base(str(folder), CLASSES)
    trunk = gpt2.build().transformer.state_dict()
    assert all(torch.equal(tensor, trunk[name]) for name, tensor in base.model.transformer.state_dict().items())
    assert base.model.score.weight.shape == (CLASSES, HIDDEN)
    assert not any(p.requires_grad for p in base.model.parameters())
    assert capfd.readouterr() == ("", "")  # Transformers would report the head that is missing


def test_a_head_in_the_files_is_not_the_base_models(gpt2, folder) -> None:
    before = load_base(str(folder), CLASSES).sha256
    assert load_base(str(folder), CLASSES + 1).sha256 == before
    gpt2.classifier().build().save_pretrained(folder)
    assert load_base(str(folder), CLASSES).sha256 == before
    assert load_base(str(folder), CLASSES + 1).sha256 == before
    assert load_base(str(folder)).sha256 != before


def test_files_that_lack_more_than_a_head_are_refused(gpt2, folder) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"n_layer": 5}))
    with pytest.raises(ModelNotFoundError, match="cannot be loaded as a classifier"):
        load_base(str(folder), CLASSES)
