"""From a scenario to what is learned with: the adapter in PEFT's words, and who says what is wrong with it."""

from typing import Any

import pytest

from cosim.preparation import lora_config
from cosim.scenario.models import Lora, Model


def test_an_adapter_is_said_in_pefts_words() -> None:
    pattern, alphas = {"h.0.attn.c_attn": 4}, {r"h\.\d\.mlp\.c_fc": 3.5}
    wanted = Lora(
        r=2, alpha=5, targets=("c_fc",), layers=(0, 2), rank_pattern=pattern, alpha_pattern=alphas, dropout=0.1
    )
    config = lora_config(Model(lora=wanted))
    assert (config.r, config.lora_alpha, config.lora_dropout) == (2, 5, 0.1)
    assert (config.target_modules, config.layers_to_transform) == ({"c_fc"}, [0, 2])
    assert (config.rank_pattern, config.alpha_pattern) == (pattern, alphas)


def test_an_adapter_of_which_no_more_is_said_is_in_all_blocks_alike() -> None:
    config = lora_config(Model())
    assert (config.layers_to_transform, config.rank_pattern, config.alpha_pattern) == (None, {}, {})


def test_the_task_is_said_in_pefts_words() -> None:
    assert lora_config(Model()).task_type == "CAUSAL_LM"
    assert lora_config(Model(task="sequence_classification")).task_type == "SEQ_CLS"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"rank_pattern": {"c_attn(": 4}}, "'c_attn\\(' is no regular expression"),
        ({"rank_pattern": {"c_attn": 0}}, "greater than or equal to 1"),
        ({"alpha_pattern": {"c_attn": 0}}, "greater than 0"),
        ({"dropout": 1.0}, "less than 1"),
        ({"layers": []}, "at least 1 item"),
        ({"layers": [-1]}, "greater than or equal to 0"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Lora(**options)
