"""Costs: GPT-2 small against closed forms, tiny models against PyTorch's own counters over real runs."""

import peft
import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel

from training import losses, phases
from training.adapters import Part
from training.costs import CostModel, PhaseCost
from training.lora import find_sites
from training.sequences import IGNORED
from training.split_model import SplitModel

B, S, H, V = 4, 512, 768, 50257  # batch, sequence, hidden width, vocabulary of GPT-2 small
BLOCK_WEIGHTS = 12 * H**2 + 13 * H
USER, EDGE, CLOUD = Part(first=0, last=2), Part(first=2, last=6), Part(first=6, last=12)
FP32_BYTES = 4

SMALL_VECTORS = 0.05  # the forms leave out norms' statistics, attention's log-sums and rank-r products
LORA_FLOPS = 0.02  # the form leaves out LoRA: r/H of a matrix product for each adapted matrix
SHIFT = 0.02  # hidden states of the labelled positions, beside the logits
BOOKKEEPING = 0.01  # kernels keep a few numbers of their own, such as seeds, which hooks may not show

TINY_BATCH, TINY_LENGTH = 3, 16
PARTS = [Part(first=0, last=2), Part(first=1, last=3), Part(first=3, last=4)]


def opened(*, whole_logits: bool) -> CostModel:
    config = GPT2Config(activation_function="gelu_pytorch_tanh")
    with torch.device("meta"):
        weightless = GPT2LMHeadModel(config)
    layout = find_sites(weightless, peft.LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn"]), "transformer.h")
    return CostModel(GPT2LMHeadModel, config, layout, whole_logits=whole_logits)


@pytest.fixture(scope="module")
def gpt2_small() -> CostModel:
    return opened(whole_logits=False)


def of_one_block(costs: CostModel, quantity: str) -> int:
    """What the third block alone adds to a forward pass."""
    longer, _ = costs.forward_and_backward(Part(first=1, last=3), B, S)
    shorter, _ = costs.forward_and_backward(Part(first=1, last=2), B, S)
    return getattr(longer, quantity) - getattr(shorter, quantity)


def test_a_block_saves_44_bsh_bytes(gpt2_small) -> None:
    assert of_one_block(gpt2_small, "saved_bytes") == pytest.approx(44 * B * S * H, rel=SMALL_VECTORS)


def test_the_forward_of_a_block_takes_24_bsh2_and_4_bs2h_flops(gpt2_small) -> None:
    expected = 24 * B * S * H**2 + 4 * B * S**2 * H
    assert of_one_block(gpt2_small, "flops") == pytest.approx(expected, rel=LORA_FLOPS)


def test_the_last_part_saves_44_bsh_bytes_a_block_and_nothing_for_the_head(gpt2_small) -> None:
    cost = gpt2_small.loss_and_backward(CLOUD, B, S)
    assert cost.saved_bytes == pytest.approx(6 * 44 * B * S * H, rel=SMALL_VECTORS)


def test_the_head_takes_4_bshv_flops_forwards_and_backwards(gpt2_small) -> None:
    last = gpt2_small.loss_and_backward(Part(first=11, last=12), B, S).flops
    block = sum(phase.flops for phase in gpt2_small.forward_and_backward(Part(first=10, last=11), B, S))
    assert last - block == 4 * B * (S - 1) * H * V


def test_the_head_needs_three_copies_of_its_logits_for_a_moment(gpt2_small) -> None:
    """Their log-softmax and the gradients of both; the usual 16 bytes a logit count the logits too, kept by no one."""
    positions = 256  # 51 MB of logits: not yet in chunks
    cost = gpt2_small.loss_and_backward(CLOUD, 1, positions)
    assert cost.transient_bytes == pytest.approx(12 * (positions - 1) * V, rel=SHIFT)


def test_large_logits_are_never_there_all_at_once(gpt2_small) -> None:
    cost = gpt2_small.loss_and_backward(CLOUD, B, S)
    assert cost.transient_bytes < 2.2 * losses.MOST_LOGITS_BYTES < 12 * B * (S - 1) * V / 5


def test_the_usual_loop_needs_16_bytes_a_logit(gpt2_small) -> None:
    """The logits, which it has in a variable, their log-softmax, and the gradients of both."""
    whole, chunked = (each.loss_and_backward(CLOUD, B, S) for each in (opened(whole_logits=True), gpt2_small))
    assert whole.transient_bytes == pytest.approx(16 * B * (S - 1) * V, rel=SHIFT)
    assert (whole.flops, whole.saved_bytes) == (chunked.flops, chunked.saved_bytes)


def test_weights_of_the_parts_follow_the_parameter_formula_with_the_tied_head_on_both_sides(gpt2_small) -> None:
    parameters = [gpt2_small.weight_bytes(part) / FP32_BYTES for part in (USER, EDGE, CLOUD)]
    assert parameters == [(V + 1024) * H + 2 * BLOCK_WEIGHTS, 4 * BLOCK_WEIGHTS, 6 * BLOCK_WEIGHTS + 2 * H + V * H]
    whole = gpt2_small.weight_bytes(Part(first=0, last=12)) / FP32_BYTES
    assert whole == (V + 1024) * H + 12 * BLOCK_WEIGHTS + 2 * H  # on one entity the tied matrix is held once


def test_an_activation_of_gpt2_small_is_bsh_numbers(gpt2_small) -> None:
    assert gpt2_small.activation_shape(B, S) == (B, S, H)


def test_a_wider_batch_costs_in_proportion(gpt2_small) -> None:
    (one, one_back), (two, two_back) = (gpt2_small.forward_and_backward(EDGE, batch, 64) for batch in (1, 2))
    assert (two.flops, two_back.flops) == (2 * one.flops, 2 * one_back.flops)
    assert two.saved_bytes == pytest.approx(2 * one.saved_bytes, rel=1e-3)  # attention saves a few scalars a call


def inputs_of(model: SplitModel, part: Part, adapter_of) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    ids = torch.randint(101, (TINY_BATCH, TINY_LENGTH), generator=generator)
    received = torch.randn(TINY_BATCH, TINY_LENGTH, 32, generator=generator)
    return adapter_of(model)[None, model.layout.slice_of(part)], ids if part.first == 0 else received


def measured(model: SplitModel, part: Part) -> list[PhaseCost]:
    """The phases of a part before the last, or the one phase of the last."""
    costs = CostModel(type(model.model), model.model.config, model.layout)
    if part.last == model.blocks:
        return [costs.loss_and_backward(part, TINY_BATCH, TINY_LENGTH)]
    return list(costs.forward_and_backward(part, TINY_BATCH, TINY_LENGTH))


def eager(family) -> SplitModel:
    base = family.build()
    base.config._attn_implementation = "eager"
    return SplitModel.adapt(base, family.lora())


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_flops_are_those_pytorch_counts_in_a_real_step(family, part, adapter_of) -> None:
    model = eager(family)  # PyTorch's counter does not know the CPU's fused attention
    with FlopCounterMode(display=False) as forward:
        held = phases.forward(model, part, *inputs_of(model, part, adapter_of))
        result = held.output
        if part.last == model.blocks:
            targets = torch.zeros(TINY_BATCH, TINY_LENGTH, dtype=torch.long)
            targets[:, -1] = IGNORED
            result = losses.client_losses(model.head, held.output, targets, clients=1)
    with FlopCounterMode(display=False) as backward:
        torch.autograd.grad(result, [*held.leaves, *([held.arriving] if part.first else [])], torch.ones_like(result))
    counted = [forward.get_total_flops(), backward.get_total_flops()]
    if part.last == model.blocks:
        counted = [sum(counted)]
    assert [cost.flops for cost in measured(model, part)] == counted


def test_fused_attention_takes_the_flops_of_its_products(family) -> None:
    part = Part(first=1, last=3)
    fused, plain = measured(family.split(), part), measured(eager(family), part)
    product = 2 * TINY_BATCH * TINY_LENGTH**2 * 32  # queries with keys, for all heads
    assert fused[0].flops == plain[0].flops
    assert fused[1].flops == plain[1].flops + 2 * product  # each block's backward computes the scores again


@pytest.mark.parametrize("attention", ["fused", "eager"])
@pytest.mark.parametrize("part", PARTS, ids=str)
def test_saved_bytes_are_what_autograd_saves_in_a_real_forward(family, part, attention, adapter_of) -> None:
    model = family.split() if attention == "fused" else eager(family)
    adapter, x = inputs_of(model, part, adapter_of)
    saved: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        held = phases.forward(model, part, adapter, x)
    not_saved_for_it = [*model.model.parameters(), adapter, x, held.output]
    for tensor in not_saved_for_it:
        saved.pop(tensor.untyped_storage().data_ptr(), None)
    nbytes = sum(tensor.untyped_storage().nbytes() for tensor in saved.values())
    assert measured(model, part)[0].saved_bytes == pytest.approx(nbytes, rel=BOOKKEEPING)


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_costs_are_the_same_whenever_they_are_measured(gpt2, part) -> None:
    assert measured(gpt2.split(), part) == measured(gpt2.split(), part)


def test_measuring_neither_runs_nor_changes_the_model(family, tokens) -> None:
    model = family.split()
    measured(model, PARTS[0])
    assert model.model.config._attn_implementation == "sdpa"
    ids = torch.from_numpy(tokens(2, 10).ids)
    assert torch.equal(model.model(input_ids=ids).logits, family.build()(input_ids=ids).logits)
