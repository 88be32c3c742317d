"""Users with adapters of different ranks: they learn what PEFT learns at each rank, in common passes."""

import math

import pytest
import torch
from torch import Tensor

from training.adapters import AdapterLayout, state_dict
from training.base_model import BaseModel
from training.deferred import DeferredRuntime
from training.jobs import Ref
from training.lab import Lab
from training.learning import Learning
from training.optimiser import AdamW, AdapterState
from training.runtime import EagerRuntime

LOSS = 1e-6  # losses of about 4.6 nats in single precision
STEPPED = 5e-6  # the same, of adapters that differ as much as ADAPTER says
ADAPTER = 5e-5  # AdamW divides by sqrt(v): where a gradient is near zero, a step is lr times its sign
R, SCALE = 4, 2.0
RANKS = (1, 2, 4)
STEPS = 10


@pytest.fixture
def lab_of(any_family, tokens, tokenizer) -> Lab:
    base = BaseModel(name="tiny", model=any_family.build(), tokenizer=tokenizer, sha256="")
    data = {"train": tokens(12, 12, padded=[2, 7]), "held_out": tokens(3, 12)}
    return Lab.open(base, any_family.lora(r=R, lora_alpha=SCALE * R), **data, optimiser=AdamW(lr=1e-3), seed=5)


def narrow_dict(layout: AdapterLayout, flat: Tensor, rank: int) -> dict[str, Tensor]:
    """The first ``rank`` rows of A and columns of B, in PEFT's names: what PEFT has at that rank."""
    named = state_dict(layout, flat)
    return {name: tensor[:rank] if "lora_A" in name else tensor[:, :rank] for name, tensor in named.items()}


def rows_of(user: int, step: int) -> tuple[int, ...]:
    return tuple((5 * user + 2 * step + i) % 12 for i in range(3))


def train(learning: Learning, user: int, rank: int) -> tuple[Ref, list[Ref]]:
    state, losses = learning.start(learning.whole, f"user {user}", learning.at_most(rank)), []
    for step in range(STEPS):
        job = learning.loss_and_backward(learning.whole, state, learning.batch(rows_of(user, step)))
        state = job["adapter"]
        losses.append(job["loss"])
    return state, losses


def test_mixed_ranks_in_common_passes_learn_as_peft_does_at_each_rank(lab_of, any_family, plain_peft, read) -> None:
    """PEFT's alpha is such that the scale alpha / r is the same at every rank."""
    lab = lab_of
    learning = Learning(DeferredRuntime(lab))
    runs = [train(learning, user, rank) for user, rank in enumerate(RANKS)]
    states = learning.values([state for state, _ in runs])
    start = lab.layout.initial(lab.whole, lab.seed)
    for user, (rank, state, (_, losses)) in enumerate(zip(RANKS, states, runs, strict=True)):
        config = any_family.lora(r=rank, lora_alpha=SCALE * rank)
        plain = plain_peft(any_family.build(), config, narrow_dict(lab.layout, start, rank))
        expected = [plain.step(*read(lab, learning.batch(rows_of(user, step))))[0] for step in range(STEPS)]
        found = learning.values(losses)
        assert found[0] == pytest.approx(expected[0], abs=LOSS)
        assert found == pytest.approx(expected, abs=STEPPED)
        ours = narrow_dict(lab.layout, state.weights, rank)
        for name, theirs in plain.adapter().items():
            torch.testing.assert_close(ours[name], theirs, rtol=0, atol=ADAPTER)


def test_what_lies_beyond_a_rank_stays_zero_to_the_bit(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    (state,) = learning.values([train(learning, 0, 2)[0]])
    for tensor in (state.weights, state.first_moment, state.second_moment):
        assert torch.equal(lab.layout.narrow(lab.whole, tensor, (2,) * 4), tensor)
        assert tensor.count_nonzero() > 0


def test_a_rank_for_each_block(lab) -> None:
    """As where the rank falls at a cut layer."""
    ones = torch.ones(lab.layout.parameters(lab.whole))
    ranks = (4, 1, 9, 0)
    cut = lab.layout.narrow(lab.whole, ones, ranks)
    for part, rank in zip(lab.model.parts([1, 2, 3]), ranks, strict=True):
        kept, numbers = cut[lab.layout.slice_of(part)].sum(), lab.layout.parameters(part)
        assert kept == numbers * min(rank, R) / R
        assert lab.layout.narrowed(ranks).parameters(part) == kept


def test_a_rank_that_restricts_nothing_is_none(lab) -> None:
    learning = Learning(EagerRuntime(lab))
    assert [learning.at_most(rank) for rank in (None, R, R + 1)] == [None] * 3
    assert learning.at_most(R - 1) == (R - 1,) * 4


def test_payload_memory_and_flops_are_those_of_the_rank(lab) -> None:
    """Against the same model under a configuration of that rank."""
    learning = Learning(EagerRuntime(lab))
    batch = learning.batch((0, 1))
    costs = []
    for rank in RANKS:
        adapter = learning.start(lab.whole, "own", learning.at_most(rank))
        assert adapter.nbytes == 4 * lab.layout.parameters(lab.whole) * rank // R
        job = learning.loss_and_backward(lab.whole, adapter, batch)
        assert job["adapter"].output == adapter.output
        assert job.cost.resident_bytes == AdapterState.bytes_by_kind(adapter.nbytes, AdamW.moments)
        costs.append(job.cost.flops)
    tokens = math.prod(batch.shape)
    of_a_rank = 6 * tokens * sum(site.inputs + site.outputs for site in lab.layout.sites)
    first_input = 2 * tokens * lab.layout.sites[0].inputs  # nobody asks for the gradient of the embeddings
    assert costs[1] - costs[0] == of_a_rank - first_input
    assert costs[2] - costs[1] == 2 * (of_a_rank - first_input)


@pytest.mark.parametrize("cuts", [[], [2]], ids=str)
@pytest.mark.parametrize("runtime", [EagerRuntime, DeferredRuntime])
def test_an_average_pads_with_zeros_and_a_user_takes_what_it_has_ranks_for(lab, runtime, cuts) -> None:
    """By hand, on every number; cut or not."""
    learning = Learning(runtime(lab))
    parts = learning.parts(cuts)
    averages, mine = [], []
    for part in parts:
        wide, narrow = (learning.start(part, str(rank), learning.at_most(rank)) for rank in (R, 2))
        average = learning.average([wide, narrow], [1, 3], "average")["adapter"]
        sent = learning.narrow(part, average, narrow.output.ranks)
        assert (average.nbytes, sent.nbytes) == (wide.nbytes, narrow.nbytes)
        assert learning.narrow(part, average, None) is average
        averages.append(average)
        mine += [learning.adopt(part, narrow, given)["adapter"] for given in (average, sent)]
    start = lab.layout.initial(lab.whole, lab.seed)
    expected = start / 4 + 3 / 4 * lab.layout.narrow(lab.whole, start, (2,) * 4)
    found = torch.cat([state.weights for state in learning.values(averages)])
    torch.testing.assert_close(found, expected)
    for given in (0, 1):  # narrowed on the way, or on arrival
        adopted = torch.cat([state.weights for state in learning.values(mine[given::2])])
        torch.testing.assert_close(adopted, lab.layout.narrow(lab.whole, expected, (2,) * 4))


def test_cut_steps_of_a_narrow_adapter_are_one_step_of_the_whole(lab) -> None:
    """So that users of different cuts and ranks share a pass."""
    learning = Learning(DeferredRuntime(lab))
    batch = learning.batch((0, 1))
    ranks = learning.at_most(2)
    whole = learning.loss_and_backward(lab.whole, learning.start(lab.whole, "own", ranks), batch)
    first, last = learning.parts([2])
    up = learning.forward(first, learning.start(first, "own", ranks), batch)
    turn = learning.loss_and_backward(last, learning.start(last, "own", ranks), batch, [up["activation"], up["labels"]])
    down = learning.backward(first, learning.start(first, "own", ranks), batch, up["held"], turn["gradient"])
    assert turn["loss"].value.key == whole["loss"].value.key
    states = learning.values([down["adapter"], turn["adapter"], whole["adapter"]])
    assert torch.equal(torch.cat([states[0].weights, states[1].weights]), states[2].weights)
    assert {ref.output.ranks for ref in (down["adapter"], turn["adapter"])} == {ranks}
