"""From a scenario to what is learned with: the adapter in PEFT's words, and who says what is wrong with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.preparation import Prepared, lora_config, prepare
from cosim.scenario import Scenario
from cosim.scenario.learning import Lora, Model
from training.corpora import Texts
from training.store import Store


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


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[[str], Prepared]:
    """A scenario of one user who holds this text, prepared with one store for all."""
    (tmp_path / "held_out.txt").write_text("what is evaluated")

    def prepare_with(text: str) -> Prepared:
        (tmp_path / "text.txt").write_text(text)
        corpus, held_out = str(tmp_path / "text.txt"), str(tmp_path / "held_out.txt")
        tree = {
            "name": "prepared",
            "scheme": {"name": "federated"},
            "users": {"count": 1},
            "data": {"corpus": corpus, "validation": held_out, "partition": "iid", "sequence_length": 8},
            "host": {"device": "cpu"},
        }
        return prepare(Scenario.model_validate(tree), Store(tmp_path / "cache", 10**8))

    return prepare_with


def test_a_text_is_split_and_turned_into_tokens_once_and_opens_no_model_again(
    prepared: Callable[[str], Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared("a text of a few words")

    def never(*_: object) -> None:
        raise AssertionError("done a second time")

    monkeypatch.setattr(Texts, "corpus", never)
    monkeypatch.setattr("training.base_model.load_base", never)
    again = prepared("a text of a few words")
    assert again.corpus_sha256 == first.corpus_sha256
    assert again.lab.foundation == first.lab.foundation
    assert np.array_equal(again.lab.train.ids, first.lab.train.ids)
    assert np.array_equal(again.lab.held_out.targets, first.lab.held_out.targets)


def test_a_text_that_has_changed_is_read_anew(prepared: Callable[[str], Prepared]) -> None:
    first, second = prepared("a text of a few words"), prepared("a text of a few other words")
    assert first.corpus_sha256 != second.corpus_sha256
    assert not np.array_equal(first.lab.train.ids, second.lab.train.ids)
