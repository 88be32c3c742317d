"""Measured work against the closed forms of GPT-like models, and against measuring every split."""

import numpy as np
import peft
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from cosim.allocation.sfllm.measured_work import TARGETS, gpt2_small, of_gpt2
from cosim.allocation.sfllm.problem import Work
from training.adapters import Part
from training.costs import CostModel
from training.lora import find_sites

B, S, H, V, L = 16, 512, 768, 50257, 12
BITS = 32  # of a number, and of a label
BLOCK_FLOPS = 24 * B * S * H**2 + 4 * B * S**2 * H

LORA_FLOPS = 0.005  # the forms leave out LoRA: about r/H of a matrix product for the adapted one, at r = 8
SCORES_AGAIN = 0.16  # fused attention computes its scores again, and the forms count a backward as a forward


@pytest.fixture(scope="module")
def work() -> Work:
    return gpt2_small(batch=B, length=S, ranks=(1, 8), rounds=np.ones(2))


def test_activations_labels_and_adapters_are_of_their_size(work: Work) -> None:
    assert (work.activation_bits == BITS * (B * S * H + B * S)).all()
    expected = BITS * 4.0 * H * np.outer(np.arange(1, L), [1, 8])
    assert np.array_equal(work.adapter_bits, expected)


def test_flops_are_those_of_the_closed_forms(work: Work) -> None:
    blocks = np.arange(1, L)[:, None] * np.ones(2)
    np.testing.assert_allclose(work.client_forward_flops, BLOCK_FLOPS * blocks, rtol=LORA_FLOPS)
    np.testing.assert_allclose(work.client_backward_flops, BLOCK_FLOPS * blocks, rtol=SCORES_AGAIN)
    server = 2 * BLOCK_FLOPS * (L - blocks) + 4 * B * (S - 1) * H * V
    np.testing.assert_allclose(work.server_flops, server, rtol=SCORES_AGAIN / 2)
    assert (work.client_forward_flops[:, 1] > work.client_forward_flops[:, 0]).all()  # a wider adapter takes more


def test_every_split_is_as_if_it_were_measured() -> None:
    config, batch, length, ranks = GPT2Config(n_embd=32, n_head=2, n_layer=5, vocab_size=64), 2, 16, (1, 3)
    found = of_gpt2(config, batch=batch, length=length, ranks=ranks, rounds=np.ones(2))
    assert found.splits.tolist() == [1, 2, 3, 4]
    with torch.device("meta"):
        weightless = GPT2LMHeadModel(config)
    for place, rank in enumerate(ranks):
        lora = peft.LoraConfig(r=rank, target_modules=list(TARGETS))
        costs = CostModel(GPT2LMHeadModel, config, find_sites(weightless, lora, "transformer.h"))
        for split in found.splits.tolist():
            forward, backward = costs.forward_and_backward(Part(first=0, last=split), batch, length)
            last = costs.loss_and_backward(Part(first=split, last=5), batch, length)
            assert found.client_forward_flops[split - 1, place] == forward.flops
            assert found.client_backward_flops[split - 1, place] == backward.flops
            assert found.server_flops[split - 1, place] == last.flops


def test_more_blocks_at_the_client_are_fewer_at_the_server(work: Work) -> None:
    for values in (work.client_forward_flops, work.client_backward_flops, work.adapter_bits):
        assert (np.diff(values, axis=0) > 0).all()
    assert (np.diff(work.server_flops, axis=0) < 0).all()
