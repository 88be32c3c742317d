"""Corpora by name: ``python-docs``, a path, or a data set of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.corpora.corpus import Corpus, Document, sha256_of
from training.corpora.holding_out import Split, hold_out_documents, hold_out_passages
from training.corpora.rows import BUILDERS, Columns, hub, table
from training.corpora.texts import python_docs, text_file, text_folder

PYTHON_DOCS = "python-docs"
"""The default corpus: needs no file and no network."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """All documents of a source, and those of its validation source if there is one: what a corpus is made from."""

    name: str
    documents: tuple[Document, ...]
    validation: tuple[Document, ...] | None
    hold_out: Callable[[Sequence[Document]], Split]

    def fingerprint(self) -> list[str]:
        """What tells this content and its way to be split from others; takes less than to split it."""
        contents = (part for part in (self.documents, self.validation) if part is not None)
        return [self.hold_out.__name__, *(sha256_of(part) for part in contents)]

    def corpus(self) -> Corpus:
        """Training and held-out part.

        Raises:
            ValueError: too little text to hold out a tenth of it.
        """
        train, held_out = (
            self.hold_out(self.documents) if self.validation is None else (self.documents, self.validation)
        )
        return Corpus(name=self.name, train=train, held_out=held_out)


def load_corpus(source: str, **options: Any) -> Corpus:
    """Read a corpus and split it; ``options`` and errors are those of ``read_texts`` and ``Texts.corpus``."""
    return read_texts(source, **options).corpus()


def read_texts(
    source: str,
    *,
    text_column: str = "text",
    author_column: str | None = None,
    label_column: str | None = None,
    validation: str | None = None,
) -> Texts:
    """Read what a corpus is made from.

    ``source`` is ``python-docs``; a text file (one author); a folder of text files (each an author); a ``.csv``,
    ``.jsonl``, ``.json`` or ``.parquet`` file; or ``hub:OWNER/NAME[/CONFIGURATION][:SPLIT]``. Columns are those of a
    source made of rows; without ``author_column`` each row is its own author.

    ``validation``, another source, becomes the held-out part. Without it that is a tenth of the source, chosen by
    content: of the passages of texts, of the rows of tables.

    Raises ValueError for an unknown source, a missing column, and a corpus without text.
    """
    columns = Columns(text=text_column, author=author_column, label=label_column)
    return Texts(
        name=source,
        documents=_read(source, columns),
        validation=None if validation is None else _read(validation, columns),
        hold_out=hold_out_documents if _has_rows(source) else hold_out_passages,
    )


def _has_rows(source: str) -> bool:
    return source.startswith("hub:") or Path(source).suffix in BUILDERS


def _read(source: str, columns: Columns) -> tuple[Document, ...]:
    documents = _read_rows(source, columns) if _has_rows(source) else _read_texts(source, columns)
    if not any(document.text.strip() for document in documents):
        raise ValueError(f"corpus {source!r} holds no text")
    return documents


def _read_rows(source: str, columns: Columns) -> tuple[Document, ...]:
    if source.startswith("hub:"):
        return hub(source, columns)
    return table(_existing(source), columns)


def _read_texts(source: str, columns: Columns) -> tuple[Document, ...]:
    if columns != Columns():
        raise ValueError(f"corpus {source!r} is running text, without the columns {columns.named}")
    if source == PYTHON_DOCS:
        return python_docs()
    path = _existing(source)
    return text_folder(path) if path.is_dir() else text_file(path)


def _existing(source: str) -> Path:
    path = Path(source).expanduser()
    if not path.exists():
        raise ValueError(f"corpus {source!r} is neither {PYTHON_DOCS}, nor hub:OWNER/NAME, nor an existing path")
    return path
