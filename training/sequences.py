"""Token sequences of one fixed length, each by one author and of one class, and what is to be predicted in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.corpora import Document

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""Target where nothing is to be predicted: what ``torch.nn.functional.cross_entropy`` leaves out by default."""

NO_LABEL = -1
"""Label code of a sequence whose document has none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequences:
    """``n`` sequences of ``S`` tokens.

    ``targets`` says what position t is to predict: the token at t + 1, or the sequence's class at its last token, and
    ``IGNORED`` elsewhere. Padding is always at the end, where a causal model's real tokens do not see it.
    """

    ids: NDArray[np.int64]  # (n, S)
    targets: NDArray[np.int64]  # (n, S)
    tokens: NDArray[np.int64]  # (n,) without padding
    author: NDArray[np.int64]  # (n,) index into ``authors``
    label: NDArray[np.int64]  # (n,) index into ``labels``, or NO_LABEL
    authors: tuple[str, ...]
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shapes = [array.shape for array in (self.ids, self.targets, self.tokens, self.author, self.label)]
        rows = shapes[0][:1]
        if shapes != [shapes[0], shapes[0], rows, rows, rows] or len(shapes[0]) != 2:
            raise ValueError(
                f"sequences: ids and targets must be (n, S), tokens, author and label (n,), but are {shapes}"
            )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """How many predictions each sequence asks for, shape (n,)."""
        predicted: NDArray[np.int64] = np.count_nonzero(self.targets != IGNORED, axis=1)
        return predicted

    def select(self, rows: ArrayLike) -> Sequences:
        """The sequences with these indices, in this order; codes keep their meaning."""
        index = np.asarray(rows, dtype=np.int64)
        return replace(
            self,
            ids=self.ids[index],
            targets=self.targets[index],
            tokens=self.tokens[index],
            author=self.author[index],
            label=self.label[index],
        )

    def spread(self, most: int) -> Sequences:
        """At most ``most`` of the sequences, evenly over all of them."""
        count = min(most, len(self))
        return self.select(np.arange(count) * len(self) // count)


def pack(documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase, length: int) -> Sequences:
    """Cut each author's text into sequences of ``length`` tokens, each to be continued.

    An author's documents of one label follow each other, each ended by end-of-text. The tail shorter than ``length``
    is dropped, but a text too short for one sequence is padded to it, so that every author has one.

    Raises ValueError for ``length`` below 2, a tokenizer without end-of-text, and documents without text.
    """
    streams: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for document, tokens in _tokenised(documents, tokenizer, length):
        streams[document.author, document.label] += [*tokens, tokenizer.eos_token_id]
    owners, pieces = [], []
    for owner, stream in streams.items():
        for start in range(0, max(len(stream) - length, 0) + 1, length):
            owners.append(owner)
            pieces.append(stream[start : start + length])
    return _to_continue(owners, pieces, tokenizer, length)


def pad(documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase, length: int) -> Sequences:
    """One sequence a document, to be continued: ended by end-of-text, cut at ``length`` tokens or padded to it.

    Errors: see ``pack``.
    """
    tokenised = list(_tokenised(documents, tokenizer, length))
    owners = [(document.author, document.label) for document, _ in tokenised]
    pieces = [[*tokens, tokenizer.eos_token_id][:length] for _, tokens in tokenised]
    return _to_continue(owners, pieces, tokenizer, length)


def classify(
    documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase, length: int, classes: Sequence[str]
) -> Sequences:
    """One sequence a document, cut at ``length`` tokens or padded to it; its last token is to predict its class.

    Codes are indices into ``classes``, among which are all labels. No end-of-text is added: the last token that is not
    padding is then the same for Hugging Face's classifiers, whose padding may be end-of-text. It stands alone where the
    tokenizer knows nothing of a text. Errors: see ``pack``.
    """
    tokenised = list(_tokenised(documents, tokenizer, length))
    owners = [(document.author, document.label) for document, _ in tokenised]
    pieces = [tokens[:length] or [tokenizer.eos_token_id] for _, tokens in tokenised]
    whole = _assemble(owners, pieces, tokenizer, length, classes)
    whole.targets[np.arange(len(whole)), whole.tokens - 1] = whole.label
    return whole


def next_tokens(ids: NDArray[np.int64], tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """The targets of sequences ``ids`` (n, S) that are to be continued, of which the first ``tokens`` (n,) are real."""
    followed = np.arange(1, ids.shape[1] + 1) < tokens[:, None]
    return np.where(followed, np.roll(ids, -1, axis=1), IGNORED)


def _tokenised(
    documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase, length: int
) -> Iterator[tuple[Document, list[int]]]:
    if length < 2:
        raise ValueError(f"length must be at least 2 tokens, a token and its successor, not {length}")
    if tokenizer.eos_token_id is None:
        raise ValueError("tokenizer: eos_token is missing; documents cannot be told apart without it")
    texts = [document for document in documents if document.text.strip()]
    if not texts:
        raise ValueError(f"documents: none of the {len(documents)} holds text")
    encoded = tokenizer([document.text for document in texts], add_special_tokens=False, verbose=False)["input_ids"]
    yield from zip(texts, encoded, strict=True)


def _to_continue(
    owners: list[tuple[str, str | None]], pieces: list[list[int]], tokenizer: PreTrainedTokenizerBase, length: int
) -> Sequences:
    labels = sorted({label for _, label in owners if label is not None})
    whole = _assemble(owners, pieces, tokenizer, length, labels)
    return replace(whole, targets=next_tokens(whole.ids, whole.tokens))


def _assemble(
    owners: list[tuple[str, str | None]],
    pieces: list[list[int]],
    tokenizer: PreTrainedTokenizerBase,
    length: int,
    labels: Sequence[str],
) -> Sequences:
    """Sequences without targets."""
    padding = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    authors = {author: code for code, author in enumerate(dict.fromkeys(author for author, _ in owners))}
    codes = {label: code for code, label in enumerate(labels)}
    return Sequences(
        ids=np.array([piece + [padding] * (length - len(piece)) for piece in pieces], dtype=np.int64),
        targets=np.full((len(pieces), length), IGNORED),
        tokens=np.array([len(piece) for piece in pieces], dtype=np.int64),
        author=np.array([authors[author] for author, _ in owners], dtype=np.int64),
        label=np.array([NO_LABEL if label is None else codes[label] for _, label in owners], dtype=np.int64),
        authors=tuple(authors),
        labels=tuple(labels),
    )
