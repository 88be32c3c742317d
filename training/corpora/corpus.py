"""What a corpus is: documents with authors, a training part and a held-out part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, kw_only=True)
class Document:
    """One text by one author; ``label`` is its class where the corpus has classes."""

    text: str
    author: str
    label: str | None = None


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A training part that users share out and a held-out part that evaluates all of them.

    Raises ValueError if either part is empty.
    """

    name: str
    train: tuple[Document, ...]
    held_out: tuple[Document, ...]

    def __post_init__(self) -> None:
        if not self.train:
            raise ValueError(f"corpus {self.name!r} has no training text")
        if not self.held_out:
            raise ValueError(f"corpus {self.name!r} is too small to hold out a tenth of it; name a validation source")

    @cached_property
    def sha256(self) -> str:
        """Hex digest of all texts, authors and labels in their order and of the split, but not of the name."""
        return sha256_of(self.train, self.held_out)


def sha256_of(*parts: Sequence[Document]) -> str:
    """Hex digest of the texts, authors and labels of ``parts``, in their order."""
    content = [[(document.text, document.author, document.label) for document in part] for part in parts]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
