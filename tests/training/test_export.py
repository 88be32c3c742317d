"""Export: PEFT loads what was trained here, and computes the same."""

import json

import peft
import pytest
import torch

from training.base_model import BaseModel
from training.evaluation import evaluate
from training.export import save_adapter
from training.lab import open_tools

TOLERANCE = 1e-5  # single precision logits of order 1, summed in another order


def tiny(family) -> BaseModel:
    return BaseModel(name="tiny-random", model=family.build(), tokenizer=None, sha256="")


@pytest.mark.parametrize(
    "options", [{}, {"rank_pattern": {"c_attn|q_proj": 7}, "alpha_pattern": {r"2\.\w+\.(c_attn|q_proj)": 11}}]
)
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing")
def test_peft_loads_the_adapter_and_gives_the_same_logits_and_loss(
    family, options, tokens, adapter_of, tmp_path
) -> None:
    config = family.lora(**options)
    tools = open_tools(tiny(family), config, "cpu")
    model = tools.model
    adapter, data = adapter_of(model), tokens(4, 12)
    save_adapter(tmp_path / "run" / "adapter", tools.foundation, adapter.numpy())

    loaded = peft.PeftModel.from_pretrained(family.build(), str(tmp_path / "run" / "adapter")).eval()
    ids = torch.from_numpy(data.ids)
    theirs = loaded(input_ids=ids, labels=ids)
    ours = model.head(model.forward(model.whole, model.layout.matrices(model.whole, adapter[None]), ids))
    torch.testing.assert_close(ours, theirs.logits, rtol=0, atol=TOLERANCE)
    assert evaluate(model, adapter, data).loss == pytest.approx(theirs.loss.item(), abs=TOLERANCE)
    assert (ours - family.build()(input_ids=ids).logits).abs().max() > 100 * TOLERANCE  # the adapter matters


def test_the_files_are_pefts_and_name_the_base_model(gpt2, adapter_of, tmp_path) -> None:
    config = gpt2.lora()
    tools = open_tools(tiny(gpt2), config, "cpu")
    save_adapter(tmp_path, tools.foundation, adapter_of(tools.model).numpy())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    written = json.loads((tmp_path / "adapter_config.json").read_text())
    assert written["base_model_name_or_path"] == "tiny-random"
    assert (written["r"], written["fan_in_fan_out"], written["inference_mode"]) == (4, True, True)
