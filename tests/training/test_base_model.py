"""Base models: loaded frozen and in single precision, told apart by every weight."""

import huggingface_hub
import pytest
import torch
import transformers
from peft import LoraConfig
from transformers import AutoModelForCausalLM

from training.adapters import Part
from training.base_model import ModelNotFoundError, load_base
from training.costs import CostModel
from training.split_model import SplitModel

ROUNDING = 1e-6  # single precision: one formula, in one operation or in eight


@pytest.fixture(autouse=True)
def offline(monkeypatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def folder(family, tokenizer, tmp_path):
    """A folder with a model and its tokenizer, as ``save_pretrained`` writes it."""
    family.build().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_a_local_folder_is_loaded_as_it_was_saved(family, folder) -> None:
    base = load_base(str(folder))
    saved = family.build().state_dict()
    assert base.name == str(folder)
    assert base.config is base.model.config
    assert all(torch.equal(tensor, saved[name]) for name, tensor in base.model.state_dict().items())


def test_a_base_model_is_frozen_and_in_evaluation_mode(folder) -> None:
    model = load_base(str(folder)).model
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())


def test_half_precision_files_are_computed_with_in_single_precision(family, folder) -> None:
    family.build().half().save_pretrained(folder)
    assert {p.dtype for p in load_base(str(folder)).model.parameters()} == {torch.float32}


def test_texts_longer_than_the_model_are_encoded_whole_and_silently(folder, recwarn) -> None:
    tokenizer = load_base(str(folder)).tokenizer
    assert len(tokenizer("the radio " * 100)["input_ids"]) > 64
    assert not [warning for warning in recwarn if "sequence length" in str(warning.message)]


def test_one_changed_weight_changes_the_hash(family, folder) -> None:
    before = load_base(str(folder)).sha256
    assert load_base(str(folder)).sha256 == before
    changed = family.build()
    next(changed.parameters()).data[0, 0] += 1e-3
    changed.save_pretrained(folder)
    assert load_base(str(folder)).sha256 != before


@pytest.mark.parametrize("name", ["no-such-model", "nobody/nothing", "too/many/parts", "", "/no/such/folder"])
def test_an_unknown_name_is_one_line_that_says_what_would_be_right(name) -> None:
    with pytest.raises(ModelNotFoundError, match="a local folder or a hub name") as refused:
        load_base(name)
    assert str(refused.value).startswith(f"model.base = {name!r}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("damage", ["no weights", "broken weights", "no configuration", "broken configuration"])
def test_a_folder_that_holds_no_model_is_refused(folder, damage) -> None:
    weights, config = folder / "model.safetensors", folder / "config.json"
    match damage:
        case "no weights":
            weights.unlink()
        case "broken weights":
            weights.write_bytes(b"not a tensor")
        case "no configuration":
            config.unlink()
        case "broken configuration":
            config.write_text("{")
    with pytest.raises(ModelNotFoundError, match="cannot be loaded"):
        load_base(str(folder))


def test_a_model_of_shapes_alone_needs_no_weights(folder) -> None:
    loaded = load_base(str(folder))
    (folder / "model.safetensors").unlink()
    shaped = load_base(str(folder), weights=False)
    assert (shaped.weightless, loaded.weightless) == (True, False)
    tensors, shapes = loaded.model.state_dict(), shaped.model.state_dict()
    assert {name: tensor.shape for name, tensor in shapes.items()} == {name: t.shape for name, t in tensors.items()}
    assert shaped.sha256 != loaded.sha256


def test_a_model_without_a_tokenizer_is_refused(family, tmp_path) -> None:
    family.build().save_pretrained(tmp_path)
    with pytest.raises(ModelNotFoundError):
        load_base(str(tmp_path))


def test_loading_leaves_the_progress_bars_of_transformers_as_they_were(folder) -> None:
    before = transformers.utils.logging.is_progress_bar_enabled()
    load_base(str(folder))
    assert transformers.utils.logging.is_progress_bar_enabled() == before


@pytest.fixture
def gelu_new(gpt2, tokenizer, tmp_path):
    """A GPT-2 as published: its activation is ``gelu_new``."""
    model = gpt2.build()
    model.config.activation_function = "gelu_new"
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return AutoModelForCausalLM.from_pretrained(tmp_path).requires_grad_(False), load_base(str(tmp_path))


def test_gelu_new_is_computed_by_the_fused_kernel_of_the_same_formula(gelu_new) -> None:
    published, base = gelu_new
    assert published.config.activation_function == "gelu_new"
    assert base.config.activation_function == "gelu_pytorch_tanh"
    ids = torch.arange(20)[None]
    torch.testing.assert_close(base.model(ids).logits, published(ids).logits, rtol=0, atol=ROUNDING)
    for name, tensor in published.state_dict().items():
        assert torch.equal(base.model.state_dict()[name], tensor)


def test_the_fused_kernel_saves_fewer_bytes_for_the_backward(gelu_new) -> None:
    published, base = gelu_new
    lora = LoraConfig(r=2, target_modules=["c_fc"])
    part = Part(first=0, last=3)
    slow, fast = (
        CostModel(type(model), model.config, SplitModel.adapt(model, lora).layout).forward_and_backward(part, 2, 16)[0]
        for model in (published, base.model)
    )
    assert fast.saved_bytes < 0.75 * slow.saved_bytes
