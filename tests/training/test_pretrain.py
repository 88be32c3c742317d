"""Pretraining: the recipe's pieces by hand, and one run of the command in miniature."""

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training import pretrain
from training.base_model import load_base
from training.pretrain import (
    Recipe,
    build_model,
    encode,
    evaluate,
    learning_rate,
    loss_of,
    train_tokenizer,
    unigram_loss,
)

TEXT = "= Radio =\nThe edge server and the <unk> share the radio, twice a day.\n\n" * 40
ROUNDING = 1e-5  # single precision: the same logits from batches of other shapes


@dataclass(frozen=True, kw_only=True)
class Miniature(Recipe):
    """The recipe at a size that trains in a second."""

    vocabulary: int = 280
    context: int = 16
    blocks: int = 2
    hidden: int = 16
    heads: int = 2
    batch: int = 4
    steps: int = 30
    warmup: int = 3


MINIATURE = Miniature()


@pytest.fixture(scope="module")
def trained_tokenizer():
    return train_tokenizer(TEXT, MINIATURE)


@settings(max_examples=40)
@given(text=st.text(min_size=1, max_size=40))
def test_any_text_comes_back_from_its_tokens(trained_tokenizer, text: str) -> None:
    ids = encode(trained_tokenizer, text)
    assert ids.dtype == torch.long
    assert trained_tokenizer.decode(ids.tolist(), clean_up_tokenization_spaces=False) == text


def test_the_tokenizer_knows_the_end_of_text_and_the_unknown_word(trained_tokenizer) -> None:
    assert len(trained_tokenizer) == MINIATURE.vocabulary
    assert trained_tokenizer.eos_token_id == 0
    assert trained_tokenizer.convert_ids_to_tokens(encode(trained_tokenizer, "<unk>").tolist()) == ["<unk>"]
    assert encode(trained_tokenizer, TEXT).max() < MINIATURE.vocabulary


def test_the_learning_rate_rises_linearly_and_falls_as_a_cosine() -> None:
    recipe = Recipe(steps=300, warmup=100, peak_lr=1.0, final_lr=0.2)
    assert [learning_rate(step, recipe) for step in (0, 49, 99)] == pytest.approx([0.01, 0.5, 1.0])
    assert [learning_rate(step, recipe) for step in (100, 200, 300)] == pytest.approx([1.0, 0.6, 0.2])
    later = [learning_rate(step, recipe) for step in range(100, 300)]
    assert later == sorted(later, reverse=True)


def test_the_unigram_loss_is_that_of_add_one_frequencies() -> None:
    train, valid = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1, 2])
    expected = -(math.log(4 / 7) + math.log(2 / 7) + math.log(1 / 7)) / 3  # counts 3, 1, 0, and one more of each
    assert unigram_loss(train, valid, Recipe(vocabulary=3)) == pytest.approx(expected, abs=ROUNDING)


def test_evaluation_predicts_every_token_of_whole_windows_once() -> None:
    model = build_model(MINIATURE).eval()
    ids = torch.randint(280, (2 * MINIATURE.context + 5,), generator=torch.Generator().manual_seed(0))
    windows = torch.stack([ids[start : start + MINIATURE.context + 1] for start in (0, MINIATURE.context)])
    assert evaluate(model, ids, MINIATURE) == pytest.approx(loss_of(model, windows).item(), abs=ROUNDING)


def test_the_same_recipe_builds_the_same_model() -> None:
    first, second = (build_model(MINIATURE).state_dict() for _ in range(2))
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    other = build_model(Miniature(seed=1)).state_dict()
    assert not torch.equal(other["transformer.wte.weight"], first["transformer.wte.weight"])


def test_the_command_leaves_a_model_that_has_learnt_and_can_be_loaded(tmp_path, monkeypatch, capsys) -> None:
    for part in ("train", "valid"):
        (tmp_path / f"{part}.txt").write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(pretrain, "Recipe", Miniature)
    threads = str(torch.get_num_threads())
    out = tmp_path / "out"
    arguments = ["--text", str(tmp_path), "--out", str(out), "--steps", "30", "--threads", threads]
    monkeypatch.setattr("sys.argv", ["pretrain", *arguments])
    pretrain.main()

    base = load_base(str(out))
    ids = encode(base.tokenizer, TEXT)
    learnt = evaluate(base.model, ids, MINIATURE)
    assert learnt < evaluate(build_model(MINIATURE).eval(), ids, MINIATURE) - 0.5  # the untrained model knows nothing
    card = (out / "README.md").read_text(encoding="utf-8")
    assert card in capsys.readouterr().out
    assert f"| perplexity a token | {math.exp(learnt):.2f} |" in card
    assert "--steps 30" in card
