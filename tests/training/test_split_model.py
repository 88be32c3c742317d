"""SplitModel: the parts, one after another, are the Hugging Face model itself."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import peft
import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma2Config,
    PreTrainedModel,
)

from training.adapters import Part
from training.split_model import SplitModel

CUT_LOGITS = 1e-5  # logits of order one after four blocks; another mask or norm shows in the first digits
FP32_BYTES = 4

CUTS = [list(cuts) for number in range(4) for cuts in combinations((1, 2, 3), number)]


def logits_of(model: SplitModel, cuts: list[int], adapter: Tensor, ids: Tensor) -> Tensor:
    x = ids
    for part in model.parts(cuts):
        x = model.forward(part, matrices_of(model, part, adapter), x)
    return model.head(x)


def matrices_of(model: SplitModel, part: Part, adapter: Tensor) -> list[Tensor]:
    """Those of one client's ``adapter`` of the whole model."""
    return model.layout.matrices(part, adapter[None, model.layout.slice_of(part)])


def base_of(model: PreTrainedModel, ids: Tensor) -> Any:
    """As Hugging Face runs it in training: keys out of a cache lie otherwise in memory, and may round otherwise."""
    return model(input_ids=ids, use_cache=False, output_hidden_states=True)


@pytest.fixture
def ids(tokens) -> Tensor:
    return torch.from_numpy(tokens(3, 10).ids)


def test_without_a_bound_adapter_the_model_is_the_base_model(any_family, ids) -> None:
    assert torch.equal(base_of(any_family.split().model, ids).logits, base_of(any_family.build(), ids).logits)


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_an_adapter_with_b_zero_changes_no_bit_of_the_base_model(any_family, cuts, ids) -> None:
    model = any_family.split()
    start = model.layout.initial(model.whole, seed=1)
    assert torch.equal(logits_of(model, cuts, start, ids), base_of(any_family.build(), ids).logits)


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_cutting_changes_no_bit_of_the_logits(any_family, cuts, ids, adapter_of) -> None:
    model = any_family.split()
    adapter = adapter_of(model)
    assert torch.equal(logits_of(model, cuts, adapter, ids), logits_of(model, [], adapter, ids))


def test_what_crosses_a_cut_is_the_hidden_state_of_the_base_model(any_family, ids) -> None:
    model = any_family.split()
    hidden = base_of(any_family.build(), ids).hidden_states  # embeddings, then each block
    for cut in (1, 2, 3):
        part = Part(first=0, last=cut)
        sent = model.forward(part, matrices_of(model, part, model.layout.initial(model.whole, seed=1)), ids)
        assert torch.equal(sent, hidden[cut])


def test_running_a_part_leaves_the_model_whole_even_after_an_error(family, ids, adapter_of) -> None:
    model = family.split()
    part = Part(first=1, last=3)
    matrices = matrices_of(model, part, adapter_of(model))
    model.forward(part, matrices, torch.zeros(3, 10, 32))
    with pytest.raises(RuntimeError):
        model.forward(part, matrices, torch.zeros(3, 10, 33))
    assert torch.equal(base_of(model.model, ids).logits, base_of(family.build(), ids).logits)


def test_cuts_name_the_first_block_of_the_next_part(gpt2) -> None:
    model = gpt2.split()
    assert model.parts([1, 3]) == [Part(first=0, last=1), Part(first=1, last=3), Part(first=3, last=4)]
    assert model.parts([]) == [model.whole]
    assert [str(part) for part in model.parts([3])] == ["0:3", "3:4"]


@pytest.mark.parametrize("cuts", [[0], [4], [5], [-1], [2, 2], [3, 1], [1, 4]])
def test_cuts_that_leave_a_part_empty_are_refused(gpt2, cuts) -> None:
    with pytest.raises(ValueError, match=r"scheme\.cut = \[.*\]: cut layers must rise between 1 and 3$"):
        gpt2.split().parts(cuts)


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_parts_hold_every_weight_once_but_a_tied_head_twice(any_family, cuts) -> None:
    model = any_family.split()
    base = any_family.build()
    held = sum(p.numel() for p in base.parameters())  # a tied matrix is one parameter
    if base.config.tie_word_embeddings and cuts:
        held += base.config.vocab_size * base.config.hidden_size
    assert sum(model.weight_bytes(part) for part in model.parts(cuts)) == FP32_BYTES * held


def test_a_replica_shares_every_number_and_no_module(any_family, ids, adapter_of) -> None:
    model = any_family.split()
    replica, adapter = model.replica(), adapter_of(model)
    assert torch.equal(logits_of(replica, [2], adapter, ids), logits_of(model, [2], adapter, ids))
    for tensors in ("named_parameters", "named_buffers"):
        ours, theirs = (dict(getattr(m.model, tensors)()) for m in (replica, model))
        assert ours.keys() == theirs.keys()
        assert all(ours[name] is theirs[name] for name in theirs)
    assert not {id(module) for module in model.model.modules()} & {id(module) for module in replica.model.modules()}


def test_a_replica_runs_in_a_thread_beside_its_original(any_family, ids, adapter_of) -> None:
    model = any_family.split()
    pairs = [(model, adapter_of(model, 0)), (model.replica(), adapter_of(model, 1))]
    expected = [logits_of(m, [2], adapter, ids) for m, adapter in pairs]
    with ThreadPoolExecutor(len(pairs)) as pool:
        found = list(pool.map(lambda pair: [logits_of(pair[0], [1, 3], pair[1], ids) for _ in range(20)], pairs))
    for once, often in zip(expected, found, strict=True):
        assert all(torch.equal(logits, once) for logits in often)


def test_a_model_without_a_list_of_blocks_is_refused(gpt2) -> None:
    model = gpt2.build()
    model.config.n_layer = 5
    with pytest.raises(ValueError, match="GPT2LMHeadModel has no list of decoder blocks to cut"):
        SplitModel.adapt(model, gpt2.lora())


def test_a_decoder_with_its_distances_in_the_mask_and_its_heads_interleaved_gives_its_own_logits_too() -> None:
    """Bloom: ALiBi in place of positions, and queries, keys and values of a head side by side."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(BloomConfig(n_layer=3, n_head=4, hidden_size=32, vocab_size=100)).eval()
    ids = torch.randint(100, (2, 12))
    with torch.no_grad():
        expected = model(input_ids=ids).logits
        split = SplitModel.adapt(model, peft.LoraConfig(r=2, target_modules=["query_key_value"]))
        logits = logits_of(split, [1, 2], torch.zeros(split.layout.parameters(split.whole)), ids)
    torch.testing.assert_close(logits, expected, rtol=0, atol=CUT_LOGITS)


def test_a_decoder_that_does_more_than_is_known_here_is_refused_by_name() -> None:
    """Gemma 2 squeezes its logits after the head."""
    config = Gemma2Config(
        vocab_size=100,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        final_logit_softcapping=0.1,
    )
    model = AutoModelForCausalLM.from_config(config).eval()
    with pytest.raises(ValueError, match="Gemma2ForCausalLM gives other logits when it is cut"):
        SplitModel.adapt(model, peft.LoraConfig(r=2, target_modules=["q_proj"]))
