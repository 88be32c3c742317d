"""The shipped base model is a real language model, and its card tells the truth."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from training import pretrain, wikitext
from training.base_model import BaseModel, load_base
from training.corpora import PYTHON_DOCS, load_corpus
from training.model_files import ASSETS
from training.sequences import pack

FOLDER = ASSETS / "tiny-gpt2"
WIKITEXT = Path(__file__).parents[3] / "shared" / "data" / "wikitext-2"
MOST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def base() -> BaseModel:
    return load_base("tiny-gpt2")


def test_it_has_the_stated_shape_and_size(base: BaseModel) -> None:
    config = base.config
    assert (config.num_hidden_layers, config.hidden_size, config.vocab_size) == (12, 128, 2048)
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= MOST_BYTES


def test_it_beats_a_unigram_model_of_its_tokenizer_by_far_on_text_of_another_kind(base: BaseModel) -> None:
    """On Python documentation, which it has never seen, against unigram frequencies of that very documentation."""
    corpus = load_corpus(PYTHON_DOCS)
    train, held_out = (pack(part, base.tokenizer, 64) for part in (corpus.train, corpus.held_out))
    counts = np.bincount(train.ids.ravel(), minlength=base.config.vocab_size) + 1.0
    unigram = float(-np.log(counts / counts.sum())[held_out.ids].mean())
    ids = torch.from_numpy(held_out.spread(64).ids)
    with torch.no_grad():
        loss = float(base.model(input_ids=ids, labels=ids).loss)
    assert math.exp(loss) < 0.5 * math.exp(unigram)


@pytest.mark.parametrize("text", ["for x in range(10):\n    pass\n", "naïve café — 東京 🙂", "a  b\t\tc"])
def test_its_tokenizer_encodes_any_text_and_gives_it_back(text: str, base: BaseModel) -> None:
    assert base.tokenizer.decode(base.tokenizer(text)["input_ids"]) == text


@pytest.mark.slow
@pytest.mark.skipif(not WIKITEXT.is_dir(), reason="WikiText-2 is not beside the checkout")
def test_the_card_states_the_measured_perplexity(base: BaseModel) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    stated = re.search(r"\| perplexity a token \| ([\d.]+) \| ([\d.]+) \|", card)
    assert stated is not None
    recipe = pretrain.Recipe()
    train, valid = (pretrain.encode(base.tokenizer, wikitext.read(WIKITEXT, part)) for part in ("train", "valid"))
    perplexity = math.exp(pretrain.evaluate(base.model, valid, recipe))
    unigram = math.exp(pretrain.unigram_loss(train, valid, recipe))
    assert [f"{perplexity:.2f}", f"{unigram:.1f}"] == list(stated.groups())
    assert perplexity < unigram / 5
