"""FLOPs at every cut: measured at three where blocks are alike, and else at all."""

import pytest
from transformers import GPT2Config, GPT2LMHeadModel

from training.adapters import AdapterLayout, LoraSite, Part, Ranks
from training.costs import CostModel
from training.cut_flops import FlopsByCut
from training.steps import Batch

BATCH = Batch(rows=(0, 1), length=8)
BLOCKS = 6


def both_parts(cut: int, blocks: int = BLOCKS) -> tuple[Part, Part]:
    return Part(first=0, last=cut), Part(first=cut, last=blocks)


class Counted:
    """FLOPs by a number for each block, and how often they were asked for."""

    def __init__(self, of_blocks: list[int]) -> None:
        self.of_blocks = of_blocks
        self.asked: list[Part] = []

    def __call__(self, part: Part, batch: Batch, ranks: Ranks | None) -> tuple[int, ...]:
        self.asked.append(part)
        flops = sum(self.of_blocks[part.first : part.last]) * batch.length * (1 if ranks is None else ranks[0])
        return (flops + 7, 2 * flops) if part.first == 0 else (3 * flops + 1000,)


@pytest.mark.parametrize(("of_blocks", "measured"), [([5] * BLOCKS, 3), ([5, 5, 9, 5, 5, 5], 3 + BLOCKS - 1)])
@pytest.mark.parametrize("ranks", [None, (2,) * BLOCKS])
def test_blocks_that_are_alike_are_not_all_measured(of_blocks: list[int], measured: int, ranks: Ranks | None) -> None:
    measure, exact = Counted(of_blocks), Counted(of_blocks)
    found = FlopsByCut(measure, BLOCKS)
    for side in (0, 1):
        for cut in range(1, BLOCKS):
            part = both_parts(cut)[side]
            assert found(part, BATCH, ranks) == exact(part, BATCH, ranks)
    assert len(measure.asked) == 2 * measured


def test_parts_between_two_cuts_are_measured() -> None:
    measure, middle = Counted([5] * BLOCKS), Part(first=2, last=4)
    assert FlopsByCut(measure, BLOCKS)(middle, BATCH, None) == measure(middle, BATCH, None)


@pytest.mark.parametrize("blocks", [2, 3])
def test_models_of_few_blocks_are_measured(blocks: int) -> None:
    measure = Counted([5] * blocks)
    found = FlopsByCut(measure, blocks)
    for cut in range(1, blocks):
        for part in both_parts(cut, blocks):
            assert found(part, BATCH, None) == measure(part, BATCH, None)


def test_a_real_models_are_those_at_every_cut() -> None:
    """To the FLOP."""
    config = GPT2Config(n_embd=16, n_head=2, n_layer=BLOCKS, vocab_size=64, n_positions=16)
    sites = [(f"transformer.h.{block}.attn.c_attn", block) for block in range(BLOCKS)]
    layout = AdapterLayout(
        tuple(LoraSite(path=path, block=block, inputs=16, outputs=48, rank=2, scale=1.0) for path, block in sites)
    )
    model = CostModel(GPT2LMHeadModel, config, layout)

    def measure(part: Part, batch: Batch, _: Ranks | None) -> tuple[int, ...]:
        if part.last == BLOCKS:
            return (model.loss_and_backward(part, *batch.shape).flops,)
        return tuple(phase.flops for phase in model.forward_and_backward(part, *batch.shape))

    found = FlopsByCut(measure, BLOCKS)
    for cut in (2, 4):
        for part in both_parts(cut):
            assert found(part, BATCH, None) == measure(part, BATCH, None)
