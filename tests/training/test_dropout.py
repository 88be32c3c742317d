"""Dropout: masks come from the mini-batch and the site alone, and PEFT with these masks learns the same."""

import math
from dataclasses import replace

import peft
import pytest
import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from training import phases, stacked
from training.adapters import Part, state_dict
from training.base_model import BaseModel
from training.costs import CostModel
from training.deferred import DeferredRuntime
from training.evaluation import evaluate
from training.lab import Lab
from training.learning import Learning
from training.machine import Machine
from training.optimiser import AdamW
from training.runtime import EagerRuntime
from training.split_model import SplitModel
from training.stacked import LoraLinear
from training.steps import Backward

P = 0.3
DRAWS = [11, 2**62 + 5, 7]
ROWS, SEQ = 2, 10
ROUNDING = 1e-12  # relative, double precision: the same products and sums, in another order
TOLERANCE = 1e-6  # losses and gradients differ by the order of single-precision sums alone
STANDARD_ERRORS = 4  # of a share of independent draws


def factors(index: int, draws: list[int], inputs: int, rows: int = ROWS, seq: int = SEQ, dropout: float = P) -> Tensor:
    """What a site multiplies its inputs by (n * rows, seq, inputs): its output on ones where A and B do nothing."""
    layer = LoraLinear(nn.Linear(inputs, inputs, bias=False), scale=1.0, dropout=dropout, index=index)
    layer.base.weight.data.zero_()
    identity = torch.eye(inputs).expand(len(draws), -1, -1)
    stacked.bind([layer], [identity, identity], draws)
    return layer(torch.ones(len(draws) * rows, seq, inputs)).detach()


def with_dropout(family, dropout: float = P) -> SplitModel:
    return SplitModel.adapt(family.build(), family.lora(lora_dropout=dropout))


def batch_of(tokens, clients: int) -> tuple[Tensor, Tensor]:
    data = tokens(clients * ROWS, SEQ, padded=[1])
    return torch.from_numpy(data.ids), torch.from_numpy(data.targets)


def lab_of(gpt2, tokens, tokenizer) -> Lab:
    """With dropout, and passes of one client."""
    base = BaseModel(name="tiny", model=gpt2.build(), tokenizer=tokenizer, sha256="")
    machine = Machine(device="cpu", threads=1, tokens=1)
    data = {"train": tokens(12, SEQ), "held_out": tokens(3, SEQ)}
    return Lab.open(base, gpt2.lora(lora_dropout=P), **data, optimiser=AdamW(), seed=5, machine=machine)


@pytest.mark.parametrize("dropout", [0.05, 0.3, 0.9])
def test_a_share_is_dropped_and_the_rest_scaled_so_that_the_mean_stays(dropout) -> None:
    found = factors(0, DRAWS, inputs=32, rows=8, seq=32, dropout=dropout)
    kept = found != 0
    torch.testing.assert_close(found[kept], torch.full_like(found[kept], 1 / (1 - dropout)))
    for own in kept.chunk(len(DRAWS)):
        bound = STANDARD_ERRORS * math.sqrt(dropout * (1 - dropout) / own.numel())
        assert own.float().mean().item() == pytest.approx(1 - dropout, abs=bound)


def test_masks_of_batches_and_of_sites_have_nothing_in_common() -> None:
    masks = [factors(index, [draw], inputs=32, seq=64) != 0 for draw in DRAWS for index in range(3)]
    bound = STANDARD_ERRORS * math.sqrt(0.25 / masks[0].numel())
    for i, one in enumerate(masks):
        for other in masks[:i]:
            agreeing = (one == other).float().mean().item()
            assert agreeing == pytest.approx(P**2 + (1 - P) ** 2, abs=bound)


def test_a_clients_mask_is_the_same_in_any_company() -> None:
    alone = factors(1, [7], inputs=6)
    assert torch.equal(factors(1, DRAWS, inputs=6)[2 * ROWS :], alone)
    assert torch.equal(factors(1, [7, 11], inputs=6)[:ROWS], alone)


def test_values_and_gradients_are_those_of_the_definition() -> None:
    base = nn.Linear(6, 5).double().requires_grad_(False)
    shapes = (len(DRAWS) * ROWS, SEQ, 6), (len(DRAWS), 4, 6), (len(DRAWS), 5, 4)
    x, a, b = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    layer = LoraLinear(base, scale=1.5, dropout=P, index=2)
    stacked.bind([layer], [a, b], DRAWS)
    dropped = x * (factors(2, DRAWS, inputs=6) != 0) / (1 - P)
    products = [own @ down.T @ up.T for own, down, up in zip(dropped.split(ROWS), a, b, strict=True)]
    ours, expected = layer(x), base(x) + 1.5 * torch.cat(products)
    torch.testing.assert_close(ours, expected, rtol=ROUNDING, atol=ROUNDING)
    along = torch.randn_like(expected)
    for found, theirs in zip(
        torch.autograd.grad(ours, (x, a, b), along), torch.autograd.grad(expected, (x, a, b), along), strict=True
    ):
        torch.testing.assert_close(found, theirs, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.filterwarnings("ignore:fan_in_fan_out", "ignore:.is_gradient_checkpointing")
def test_peft_with_the_same_masks_finds_the_same_losses_and_gradients(family, plain_peft, tokens, adapter_of) -> None:
    model = with_dropout(family)
    ids, targets = batch_of(tokens, len(DRAWS))
    adapters = torch.stack([adapter_of(model, seed) for seed in range(len(DRAWS))])
    losses, gradients = phases.loss_and_backward(model, model.whole, adapters, ids, targets, draws=DRAWS)
    for client, draw in enumerate(DRAWS):
        plain = plain_peft(family.build(), family.lora(), state_dict(model.layout, adapters[client]))
        multiply_by_masks(plain.model, model, draw)
        own = slice(client * ROWS, (client + 1) * ROWS)
        loss, theirs = plain.step(ids[own], targets[own])
        assert losses[client].item() == pytest.approx(loss, abs=TOLERANCE)
        ours = state_dict(model.layout, gradients.adapter[client])
        assert ours.keys() == theirs.keys()
        for name, gradient in theirs.items():
            torch.testing.assert_close(ours[name], gradient, rtol=0, atol=TOLERANCE)


def multiply_by_masks(plain: peft.PeftModel, model: SplitModel, draw: int) -> None:
    """Let every low-rank product of ``plain`` see what the same site of ``model`` would let through."""
    layers = {name: m for name, m in plain.base_model.model.named_modules() if isinstance(m, LoraLayer)}
    for index, site in enumerate(model.layout.sites):
        mask = factors(index, [draw], inputs=site.inputs)
        layers[site.path].lora_dropout["default"].register_forward_hook(lambda _, __, x, mask=mask: x * mask)


def test_without_dropout_draws_change_no_bit_and_with_it_they_do(gpt2, tokens, adapter_of) -> None:
    ids, targets = batch_of(tokens, 1)
    losses = {}
    for dropout in (0.0, P):
        model = with_dropout(gpt2, dropout)
        adapter = adapter_of(model)[None]
        for draws in ((), (1,), (2,)):
            loss, _ = phases.loss_and_backward(model, model.whole, adapter, ids, targets, draws=draws)
            losses[dropout, draws] = loss.item()
    assert losses[0.0, ()] == losses[0.0, (1,)] == losses[0.0, (2,)] == losses[P, ()]
    assert len({losses[0.0, ()], losses[P, (1,)], losses[P, (2,)]}) == 3


def test_an_evaluation_drops_nothing(gpt2, tokens, adapter_of) -> None:
    models, data = [with_dropout(gpt2, dropout) for dropout in (0.0, P)], tokens(4, SEQ)
    without, with_it = (evaluate(model, adapter_of(model), data) for model in models)
    assert without == with_it


def test_a_clients_numbers_depend_neither_on_its_neighbours_nor_on_the_cut(family, tokens, adapter_of) -> None:
    model = with_dropout(family)
    ids, targets = batch_of(tokens, len(DRAWS))
    adapters = torch.stack([adapter_of(model, seed) for seed in range(len(DRAWS))])
    own = slice(ROWS, 2 * ROWS)
    together, found = phases.loss_and_backward(model, model.whole, adapters, ids, targets, draws=DRAWS)
    alone, expected = phases.loss_and_backward(
        model, model.whole, adapters[1:2], ids[own], targets[own], draws=DRAWS[1:2]
    )
    assert torch.equal(together[1], alone[0])
    assert torch.equal(found.adapter[1], expected.adapter[0])

    first, last = model.parts([2])
    near, far = (adapters[:, model.layout.slice_of(part)] for part in (first, last))
    held = phases.forward(model, first, near, ids, DRAWS)
    losses, of_far = phases.loss_and_backward(model, last, far, held.output.detach(), targets, draws=DRAWS)
    of_near = phases.backward(held, of_far.arriving)
    assert torch.equal(losses, together)
    assert torch.equal(torch.cat([of_near.adapter, of_far.adapter], dim=1), found.adapter)


@pytest.mark.parametrize("cuts", [[], [2], [1, 3]], ids=str)
def test_steps_are_the_same_to_the_bit_eager_or_deferred_cut_or_whole(cuts, gpt2, tokens, tokenizer) -> None:
    lab, weights, losses = lab_of(gpt2, tokens, tokenizer), [], []
    for runtime, where in ((EagerRuntime, []), (EagerRuntime, cuts), (DeferredRuntime, cuts)):
        learning = Learning(runtime(lab))
        states, seen = chain_of_steps(learning, where)
        weights.append(learning.runtime.weights(states).tolist())
        losses.append(learning.runtime.values(seen))
    assert weights[0] == weights[1] == weights[2]
    assert losses[0] == losses[1] == losses[2]
    assert losses[0][0] != losses[0][1], "the same rows, by two masks"


def chain_of_steps(learning: Learning, cuts: list[int]) -> tuple[list, list]:
    """Adapters by part, and losses, of two steps on the same rows with different masks."""
    parts = learning.parts(cuts)
    states = [learning.start(part, str(part)) for part in parts]
    seen = []
    for draw in (3, 4):
        batch = learning.batch((2, 5, 7), draw)
        arrived, forwards = [], []
        for part, state in zip(parts[:-1], states, strict=False):
            forwards.append(learning.forward(part, state, batch, arrived[:1]))
            arrived = [forwards[-1]["activation"], forwards[0]["labels"]]
        job = learning.loss_and_backward(parts[-1], states[-1], batch, arrived)
        seen.append(job["loss"])
        states[-1] = job["adapter"]
        for place in reversed(range(len(forwards))):
            job = learning.backward(parts[place], states[place], batch, forwards[place]["held"], job["gradient"])
            states[place] = job["adapter"]
    return states, seen


def test_parts_whose_masks_have_different_draws_do_not_learn_as_one(gpt2, tokens, tokenizer) -> None:
    learning = Learning(DeferredRuntime(lab_of(gpt2, tokens, tokenizer)))
    first, last = learning.parts([2])
    near, far = learning.start(first, "user"), learning.start(last, "server")
    job = learning.forward(first, near, learning.batch((2, 5), draw=3))
    arrived = [job["activation"], job["labels"]]
    same, other = (learning.loss_and_backward(last, far, learning.batch((2, 5), draw), arrived) for draw in (3, 4))
    assert same.task.whole is not None
    assert other.task.whole is None


def test_a_forward_that_is_redone_for_its_backward_drops_the_same(gpt2, tokens, tokenizer, adapter_of) -> None:
    lab = lab_of(gpt2, tokens, tokenizer)
    learning = Learning(EagerRuntime(lab))
    part, _ = learning.parts([2])
    batch = learning.batch((2, 5, 7), draw=9)
    job = learning.forward(part, learning.start(part, "user"), batch)
    held, activation = learning.runtime.values([job["held"], job["activation"]])
    (state,) = learning.runtime.values([learning.start(part, "user")])
    backward = Backward(part=part, shape=batch.shape)
    given = [state, held, torch.ones_like(activation)]
    first = backward.run(lab, given)["adapter"]
    assert held.graph.take([held]) is None, "the graph is used up"
    again = backward.run(lab, given)["adapter"]
    other = backward.run(lab, [state, replace(held, draw=10), given[2]])["adapter"]
    assert torch.equal(first.first_moment, again.first_moment)
    assert not torch.equal(first.first_moment, other.first_moment)


def test_a_measured_step_keeps_a_byte_of_mask_for_each_number_that_enters_an_adapted_matrix(gpt2) -> None:
    """And what the product sees in place of what entered, which nothing else keeps: a norm's backward has its input."""
    part, saved = Part(first=1, last=3), []
    for dropout in (0.0, P):
        model = SplitModel.adapt(gpt2.build(), gpt2.lora(target_modules=["c_attn"], lora_dropout=dropout))
        costs = CostModel(type(model.model), model.model.config, model.layout)
        forward, _ = costs.forward_and_backward(part, ROWS, SEQ)
        saved.append(forward.saved_bytes)
    assert saved[1] - saved[0] == 2 * ROWS * SEQ * 32
