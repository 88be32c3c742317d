"""LoRA: PEFT decides what a configuration means; the layout is what it would inject."""

import math
from itertools import combinations

import peft
import pytest
import torch
from peft.tuners.lora import LoraLayer

from training.adapters import AdapterLayout, LoraSite, Part, state_dict
from training.split_model import SplitModel

STATISTICAL = 0.02  # four standard errors of the deviation of 8,192 uniform numbers: 4 * sqrt(0.8 / 8192) / 2

CUTS = [list(cuts) for number in range(4) for cuts in combinations((1, 2, 3), number)]
OPTIONS = [
    {},
    {"target_modules": "all-linear"},
    {"r": 5, "lora_alpha": 3},
    {
        "rank_pattern": {r"1\.\w+\.(c_attn|q_proj)": 7, "c_proj|down_proj": 2},
        "alpha_pattern": {r"2\.\w+\.(c_attn|q_proj)": 11},
    },
    {"use_rslora": True},
    {"layers_to_transform": [1, 2]},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: ",".join(options) or "plain")
@pytest.mark.filterwarnings("ignore:fan_in_fan_out", "ignore:.is_gradient_checkpointing")
def test_sites_ranks_and_scales_are_those_peft_injects(family, options) -> None:
    layout = SplitModel.adapt(family.build(), family.lora(**options)).layout
    adapted = peft.get_peft_model(family.build(), family.lora(**options)).base_model.model
    theirs = {
        name: (m.lora_A["default"].weight.shape, m.lora_B["default"].weight.shape, m.scaling["default"])
        for name, m in adapted.named_modules()
        if isinstance(m, LoraLayer)
    }
    assert {s.path: ((s.rank, s.inputs), (s.outputs, s.rank), s.scale) for s in layout.sites} == theirs
    assert [s.block for s in layout.sites] == sorted(s.block for s in layout.sites)
    assert all(f".{s.block}." in s.path for s in layout.sites)


def test_the_state_dict_is_named_and_shaped_as_pefts(family, plain_peft, adapter_of) -> None:
    model = family.split()
    ours = state_dict(model.layout, adapter_of(model))
    theirs = plain_peft(family.build(), family.lora(), ours).adapter()
    assert {name: tensor.shape for name, tensor in ours.items()} == {n: tensor.shape for n, tensor in theirs.items()}


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_the_slices_of_parts_tile_the_flat_vector(family, cuts) -> None:
    model = family.split()
    layout, parts = model.layout, model.parts(cuts)
    slices = [layout.slice_of(part) for part in parts]
    assert [s.start for s in slices] == [0, *(s.stop for s in slices[:-1])]
    assert slices[-1].stop == layout.parameters(model.whole) == sum(site.parameters for site in layout.sites)
    assert [s.stop - s.start for s in slices] == [layout.parameters(part) for part in parts]


def test_matrices_are_views_in_the_order_of_sites(family) -> None:
    model = family.split()
    flat = torch.arange(2.0 * model.layout.parameters(model.whole)).view(2, -1)
    views = model.layout.matrices(model.whole, flat)
    assert torch.equal(torch.cat([view.flatten(1) for view in views], dim=1), flat)
    assert all(view.untyped_storage().data_ptr() == flat.untyped_storage().data_ptr() for view in views)


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_the_start_does_not_depend_on_the_cuts(family, cuts) -> None:
    model = family.split()
    pieces = [model.layout.initial(part, seed=9) for part in model.parts(cuts)]
    assert torch.equal(torch.cat(pieces), model.layout.initial(model.whole, seed=9))


def test_the_start_has_pefts_kaiming_uniform_a_and_zero_b(family) -> None:
    model = SplitModel.adapt(family.build(), family.lora(r=256))
    matrices = model.layout.matrices(model.whole, model.layout.initial(model.whole, seed=2)[None])
    for a, b in zip(matrices[::2], matrices[1::2], strict=True):
        bound = 1 / math.sqrt(a.shape[2])  # Kaiming-uniform with a = sqrt(5): sqrt(6 / (1 + 5) / inputs)
        assert a.abs().max() <= bound
        assert a.std().item() == pytest.approx(bound / math.sqrt(3), rel=STATISTICAL)
        assert not b.any()


def test_every_site_and_every_seed_starts_with_numbers_of_its_own(gpt2) -> None:
    layout = SplitModel.adapt(gpt2.build(), gpt2.lora(target_modules=["c_attn"])).layout
    whole = Part(first=0, last=4)
    starts = torch.stack([layout.initial(whole, seed) for seed in range(3)])
    starts = [row for a in layout.matrices(whole, starts)[::2] for row in a.flatten(1)]
    assert len({tuple(start.tolist()) for start in starts}) == 12


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"bias": "all"}, "bias='none'"),
        ({"lora_bias": True}, "biases"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"init_lora_weights": "gaussian"}, "default initialisation"),
        ({"trainable_token_indices": [1]}, "trainable tokens"),
        ({"target_parameters": ["c_fc.weight"]}, "target_parameters"),
        ({"alora_invocation_tokens": [1]}, "alora_invocation_tokens"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_options_that_would_change_the_numbers_are_refused_by_name(gpt2, options, named) -> None:
    with pytest.raises(ValueError, match=rf"^model\.lora: .*{named}.*supported$"):
        SplitModel.adapt(gpt2.build(), gpt2.lora(**options))


@pytest.mark.parametrize("targets", [["lm_head"], ["wte"], ["c_attn", "wpe"], ["ln_1"], ["attn"], ["nothing"], "no.*"])
def test_targets_that_are_no_linear_layer_in_a_block_are_refused_in_one_line(gpt2, targets) -> None:
    with pytest.raises(ValueError, match=r"^model\.lora\.targets = ") as refused:
        SplitModel.adapt(gpt2.build(), gpt2.lora(target_modules=targets))
    assert "\n" not in str(refused.value)
    assert repr(targets) in str(refused.value)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"rank_pattern": {"c_attn": 2, "c_atn": 7}}, r"rank_pattern: 'c_atn' matches no .* such as 'h\.0\."),
        ({"alpha_pattern": {r"h\.4\.attn\.c_attn": 7}}, r"alpha_pattern: .*4.* matches no adapted matrix"),
        ({"layers_to_transform": [1, 4]}, "layers: block 4 has no matrix"),
        ({"layers_to_transform": 4}, "targets = .*'layers_to_transform': 4"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_patterns_and_layers_that_match_nothing_are_refused_by_name(gpt2, options, named) -> None:
    with pytest.raises(ValueError, match=rf"^model\.lora\.{named}"):
        SplitModel.adapt(gpt2.build(), gpt2.lora(**options))


def test_dropout_is_that_of_the_configuration(gpt2) -> None:
    layout = SplitModel.adapt(gpt2.build(), gpt2.lora(lora_dropout=0.25)).layout
    assert {site.dropout for site in layout.sites} == {0.25}


def test_a_part_without_sites_has_an_empty_slice() -> None:
    layout = AdapterLayout((LoraSite(path="h.1.fc", block=1, inputs=2, outputs=3, rank=4, scale=1.0),))
    assert layout.slice_of(Part(first=0, last=1)) == slice(0, 0)
    assert layout.slice_of(Part(first=1, last=2)) == slice(0, 20)
