"""What a decoder's mini-batches cost at every split and rank, measured on its real modules without weights."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from cosim.allocation.problem import Array
from cosim.allocation.sfllm.problem import Work
from training.adapters import AdapterLayout, Part
from training.payloads import LABEL_BYTES, SCALAR_BYTES

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

TARGETS = ("c_attn",)
_BLOCKS_PATH = "transformer.h"


def gpt2_small(*, batch: int, length: int, ranks: Sequence[int], rounds: Array) -> Work:
    """The work of GPT-2 small, 12 blocks of width 768, adapted at ``TARGETS``; takes seconds."""
    from transformers import GPT2Config  # noqa: PLC0415 - torch takes seconds to import, and only this needs it

    return of_gpt2(GPT2Config(), batch=batch, length=length, ranks=ranks, rounds=rounds)


def of_gpt2(config: PreTrainedConfig, *, batch: int, length: int, ranks: Sequence[int], rounds: Array) -> Work:
    """The work of a GPT-2 of at least three blocks, at every split that leaves client and server a block.

    ``rounds`` (R,) is E(r) for each of the ``ranks``. Activations, adapters and the labels that go along travel as
    elsewhere in this project.
    """
    from transformers import GPT2LMHeadModel  # noqa: PLC0415

    blocks = int(config.num_hidden_layers)
    splits = np.arange(1, blocks)
    layout = _layout(GPT2LMHeadModel, config, max(ranks))
    measured = [_measured(GPT2LMHeadModel, config, layout, rank, batch, length) for rank in ranks]
    forward, backward, server, adapter, activation = (
        np.stack(columns, axis=1) for columns in zip(*measured, strict=True)
    )  # each (S, R)
    return Work(
        splits=splits,
        ranks=np.array(ranks),
        client_forward_flops=forward,
        client_backward_flops=backward,
        server_flops=server,
        activation_bits=8.0 * (activation * SCALAR_BYTES + batch * length * LABEL_BYTES),
        adapter_bits=8.0 * SCALAR_BYTES * adapter,
        rounds=rounds,
    )


def _layout(model_class: type[PreTrainedModel], config: PreTrainedConfig, rank: int) -> AdapterLayout:
    import peft  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from training.lora import find_sites  # noqa: PLC0415

    with torch.device("meta"):
        weightless = model_class(config)
    return find_sites(weightless, peft.LoraConfig(r=rank, target_modules=list(TARGETS)), _BLOCKS_PATH)


def _measured(
    model_class: type[PreTrainedModel],
    config: PreTrainedConfig,
    layout: AdapterLayout,
    rank: int,
    batch: int,
    length: int,
) -> tuple[Array, ...]:
    """FLOPs of the client forwards and backwards and of the server, numbers in adapter and activation, all (S,)."""
    from training.costs import CostModel  # noqa: PLC0415

    blocks = int(config.num_hidden_layers)
    own = layout.narrowed((rank,) * blocks)
    costs = CostModel(model_class, config, own)
    first = [costs.forward_and_backward(Part(first=0, last=count), batch, length) for count in (1, 2)]
    last = [costs.loss_and_backward(Part(first=blocks - count, last=blocks), batch, length) for count in (1, 2)]
    adapter = np.array([float(own.parameters(Part(first=0, last=split))) for split in range(1, blocks)])
    return (
        _by_blocks([forward.flops for forward, _ in first], blocks),
        _by_blocks([backward.flops for _, backward in first], blocks),
        _by_blocks([turn.flops for turn in last], blocks)[::-1],
        adapter,
        np.full(blocks - 1, float(prod(costs.activation_shape(batch, length)))),
    )


def _by_blocks(flops: Sequence[int], blocks: int) -> Array:
    """FLOPs (S,) of 1, 2, 3, ... blocks at an end of the model, by those of one and of two: inner blocks are alike."""
    one, two = flops
    return one + (two - one) * np.arange(blocks - 1.0)
