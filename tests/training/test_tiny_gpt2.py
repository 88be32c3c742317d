"""The shipped base model is a real language model, and its card tells the truth."""

import math
import re
from pathlib import Path

import pytest
import torch

from training import pretrain, wikitext
from training.base_model import BaseModel, load_base
from training.model_files import ASSETS

FOLDER = ASSETS / "tiny-gpt2"
WIKITEXT = Path(__file__).parents[3] / "shared" / "data" / "wikitext-2"
MOST_BYTES = 8_000_000
ENGLISH = """The town lies on the northern bank of the river, about twelve miles from the coast, and had a population of
4,300 at the time of the last census. It was first mentioned in a charter of the eleventh century, when the king gave
the land to a nearby monastery. During the war the bridge was destroyed and the railway station was badly damaged, but
both were rebuilt in the following years. The old church, which was built of red stone in 1865, is known for its tower
and for the paintings on its ceiling. Since the end of the twentieth century the number of people who work in the
factories has fallen, and many of the younger families have moved to the city. The local team played in the second
division for three seasons, and won the cup in 1987 after a goal in the last minute of the game.""".replace("\n", " ")


@pytest.fixture(scope="module")
def base() -> BaseModel:
    return load_base("tiny-gpt2")


def test_it_has_the_stated_shape_and_size(base: BaseModel) -> None:
    config = base.config
    assert (config.num_hidden_layers, config.hidden_size, config.vocab_size) == (12, 128, 2048)
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= MOST_BYTES


def test_it_predicts_english_far_better_than_word_pieces_by_their_frequencies(base: BaseModel) -> None:
    """Although those frequencies are counted in the very text that is predicted."""
    ids = torch.tensor(base.tokenizer(ENGLISH)["input_ids"])
    shares = torch.bincount(ids) / len(ids)
    by_frequency = math.exp(-float(shares[ids].log().mean()))
    with torch.no_grad():
        perplexity = math.exp(float(base.model(input_ids=ids[None], labels=ids[None]).loss))
    assert perplexity < by_frequency / 3


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
