"""The held-out tenth, chosen by content: equal texts are on the same side wherever and however often they occur.

A split by position would leak: documents quote each other (the Python topic ``compound`` contains ``try``).
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from training.corpora.corpus import Document

_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_WORD = re.compile(r"[^\W\d_]+")

MIN_HELD_OUT_CHARACTERS = 100
"""Shorter passages (headings, "Changed in version 3.8.") stay in training: they recur inside longer ones."""

Split = tuple[tuple[Document, ...], tuple[Document, ...]]
"""Training and held-out documents."""


def passages(text: str) -> list[str]:
    """The blank-line-separated passages of ``text`` in order, each with its indentation."""
    return [passage.rstrip() for passage in _BLANK_LINES.split(text) if passage.strip()]


def by_passage(documents: Sequence[Document]) -> tuple[Document, ...]:
    """Every passage of every document as a document of its own."""
    return tuple(replace(document, text=passage) for document in documents for passage in passages(document.text))


def words_of(text: str) -> str:
    """The words of ``text`` in lower case: equal for copies that differ in layout, numbering or underlining only."""
    return " ".join(_WORD.findall(text)).lower()


def hold_out_passages(documents: Sequence[Document]) -> Split:
    """Training and held-out part; the unit is the passage, recognised by its words.

    Each document keeps its other passages in order. The held-out part has each passage once, in a document of the
    author where it occurs first.
    """
    train: list[Document] = []
    held_out: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    seen: set[str] = set()
    for document in documents:
        kept = []
        for passage in passages(document.text):
            words = words_of(passage)
            if len(words) < MIN_HELD_OUT_CHARACTERS or not _in_held_out_tenth(words):
                kept.append(passage)
            elif words not in seen:
                seen.add(words)
                held_out[document.author, document.label].append(passage)
        if kept:
            train.append(replace(document, text=_join(kept)))
    return tuple(train), tuple(
        Document(text=_join(texts), author=author, label=label) for (author, label), texts in held_out.items()
    )


def hold_out_documents(documents: Sequence[Document]) -> Split:
    """Training and held-out part; the unit is the document, recognised by its text but for white space."""
    train: list[Document] = []
    held_out: dict[str, Document] = {}
    for document in documents:
        text = " ".join(document.text.split())
        if _in_held_out_tenth(text):
            held_out.setdefault(text, document)
        else:
            train.append(document)
    return tuple(train), tuple(held_out.values())


def _in_held_out_tenth(text: str) -> bool:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % 10 == 0


def _join(texts: Sequence[str]) -> str:
    return "\n\n".join(texts) + "\n"
