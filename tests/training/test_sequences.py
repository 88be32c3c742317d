"""Sequences: every token is the author's own, in order, and padding teaches nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from training.corpora import Document
from training.sequences import IGNORED, NO_LABEL, Sequences, classify, pack, pad

END = "<|endoftext|>"


def make_tokenizer(**special: str) -> PreTrainedTokenizerFast:
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(["the edge server and the cloud share the radio"] * 4, vocab_size=280, special_tokens=[END])
    return PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer, **special)


TOKENIZER = make_tokenizer(eos_token=END)
DOCUMENTS = st.lists(
    st.builds(
        Document,
        text=st.text("the radio\n", max_size=40).map(lambda text: f"a{text}"),
        author=st.sampled_from(["ann", "bob", "cy"]),
        label=st.sampled_from([None, "0", "1"]),
    ),
    min_size=1,
    max_size=8,
)


def read_back(sequences: Sequences, row: int) -> str:
    return str(TOKENIZER.decode(sequences.ids[row, : sequences.tokens[row]]))


def streams_of(documents: list[Document]) -> dict[tuple[str, str | None], str]:
    streams: dict[tuple[str, str | None], str] = {}
    for document in documents:
        owner = document.author, document.label
        streams[owner] = streams.get(owner, "") + document.text + END
    return streams


def owner_of(sequences: Sequences, row: int) -> tuple[str, str | None]:
    label = sequences.label[row]
    return sequences.authors[sequences.author[row]], None if label == NO_LABEL else sequences.labels[label]


@given(DOCUMENTS, st.integers(2, 20))
def test_packed_rows_read_back_as_the_beginning_of_each_authors_text(documents: list[Document], length: int) -> None:
    sequences = pack(documents, TOKENIZER, length)
    texts: dict[tuple[str, str | None], str] = {}
    for row in range(len(sequences)):
        owner = owner_of(sequences, row)
        texts[owner] = texts.get(owner, "") + read_back(sequences, row)
    streams = streams_of(documents)
    assert texts.keys() == streams.keys()
    assert all(streams[owner].startswith(text) for owner, text in texts.items())


@given(DOCUMENTS, st.integers(2, 20))
def test_packing_drops_less_than_a_row_and_pads_only_who_has_less(documents: list[Document], length: int) -> None:
    sequences = pack(documents, TOKENIZER, length)
    assert sequences.ids.shape == sequences.targets.shape == (len(sequences), length)
    for owner, text in streams_of(documents).items():
        mine = [row for row in range(len(sequences)) if owner_of(sequences, row) == owner]
        size = len(TOKENIZER(text)["input_ids"])
        assert list(sequences.tokens[mine]) == ([length] * (size // length) or [size])


@given(DOCUMENTS, st.integers(2, 20))
def test_padded_rows_are_one_document_each_cut_at_the_length(documents: list[Document], length: int) -> None:
    sequences = pad(documents, TOKENIZER, length)
    assert len(sequences) == len(documents)
    for row, document in enumerate(documents):
        assert owner_of(sequences, row) == (document.author, document.label)
        assert f"{document.text}{END}".startswith(read_back(sequences, row))
        assert sequences.tokens[row] == min(length, len(TOKENIZER(f"{document.text}{END}")["input_ids"]))


def test_padding_leaves_loss_and_gradient_as_without_it() -> None:
    short = pad([Document(text="the radio", author="ann")], TOKENIZER, 16)
    size = int(short.tokens[0])
    logits = torch.randn(1, 16, len(TOKENIZER), generator=torch.Generator().manual_seed(0))
    targets = torch.from_numpy(short.targets)
    loss = torch.nn.functional.cross_entropy
    assert torch.equal(loss(logits[0], targets[0]), loss(logits[0, : size - 1], torch.from_numpy(short.ids)[0, 1:size]))


@given(DOCUMENTS, st.integers(2, 20), st.sampled_from([pack, pad]))
def test_every_token_is_to_predict_the_next_and_the_last_nothing(documents, length, build) -> None:
    sequences = build(documents, TOKENIZER, length)
    for ids, targets, size in zip(sequences.ids, sequences.targets, sequences.tokens, strict=True):
        assert targets.tolist() == [*ids[1:size], *[IGNORED] * (length - size + 1)]


LABELLED = DOCUMENTS.map(lambda found: [replace(document, label=document.label or "2") for document in found])


@given(LABELLED, st.integers(2, 20))
def test_of_a_document_to_classify_the_last_token_is_to_predict_the_class(documents, length) -> None:
    sequences = classify(documents, TOKENIZER, length, ("2", "0", "1"))
    for row, document in enumerate(documents):
        tokens = TOKENIZER(document.text)["input_ids"][:length]
        assert sequences.ids[row].tolist() == tokens + [TOKENIZER.eos_token_id] * (length - len(tokens))
        assert owner_of(sequences, row) == (document.author, document.label)
        (place,) = np.flatnonzero(sequences.targets[row] != IGNORED)
        assert place + 1 == sequences.tokens[row] == len(tokens)
        assert sequences.targets[row, place] == ("2", "0", "1").index(document.label)


def test_a_text_of_which_the_tokenizer_knows_nothing_is_end_of_text_with_a_class() -> None:
    of_one_letter = Tokenizer(BPE(vocab={END: 0, "a": 1}, merges=[]))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=of_one_letter, eos_token=END)
    documents = [Document(text=text, author="ann", label=text) for text in ("a", "b")]
    sequences = classify(documents, tokenizer, 3, ("a", "b"))
    assert sequences.ids.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert sequences.targets.tolist() == [[0, IGNORED, IGNORED], [1, IGNORED, IGNORED]]


def test_padding_is_end_of_text_where_the_tokenizer_has_no_padding_token() -> None:
    documents = [Document(text="the radio", author="ann")]
    assert pad(documents, TOKENIZER, 16).ids[0, -1] == TOKENIZER.eos_token_id
    other = make_tokenizer(eos_token=END, pad_token="!")
    assert pad(documents, other, 16).ids[0, -1] == other.pad_token_id != other.eos_token_id


def test_selected_rows_keep_their_order_and_their_codes() -> None:
    sequences = pad([Document(text=f"the radio {i}", author=str(i), label=str(-i)) for i in range(5)], TOKENIZER, 8)
    chosen = sequences.select((3, 1, 1))
    assert [owner_of(chosen, row) for row in range(3)] == [("3", "-3"), ("1", "-1"), ("1", "-1")]
    assert [read_back(chosen, row) for row in range(3)] == [read_back(sequences, row) for row in (3, 1, 1)]


def test_documents_without_text_have_no_sequence() -> None:
    documents = [Document(text=" \n", author="ann"), Document(text="radio", author="bob")]
    assert pack(documents, TOKENIZER, 4).authors == ("bob",)


@pytest.mark.parametrize("build", [pack, pad])
def test_impossible_arguments_are_refused(build) -> None:
    documents = [Document(text="the radio", author="ann")]
    with pytest.raises(ValueError, match="length must be at least 2 tokens"):
        build(documents, TOKENIZER, 1)
    with pytest.raises(ValueError, match="none of the 0 holds text"):
        build([], TOKENIZER, 8)
    with pytest.raises(ValueError, match="eos_token is missing"):
        build(documents, make_tokenizer(), 8)


def test_arrays_of_different_shapes_are_refused() -> None:
    whole = pad([Document(text="the radio", author="ann")] * 2, TOKENIZER, 8)
    with pytest.raises(ValueError, match=r"must be \(n, S\)"):
        replace(whole, targets=whole.targets[:1])
