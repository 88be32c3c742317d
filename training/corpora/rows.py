"""Corpora of rows, read with Hugging Face ``datasets``: CSV, JSON Lines, Parquet and data sets of the hub.

Rows are streamed: nothing is converted on disk, so nothing is left behind and two processes do not meet.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.corpora.corpus import Document

BUILDERS = {".csv": "csv", ".jsonl": "json", ".json": "json", ".parquet": "parquet"}
"""Builder of ``datasets`` for each file suffix."""

_HUB = re.compile(r"hub:(?P<path>[^/:]+/[^/:]+)(?:/(?P<name>[^/:]+))?(?::(?P<split>[^/:]+))?")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which column holds the text, the author and the label; without an author column each row is its own author."""

    text: str = "text"
    author: str | None = None
    label: str | None = None

    @property
    def named(self) -> list[str]:
        """The columns that must exist."""
        return [column for column in (self.text, self.author, self.label) if column is not None]


def table(path: Path, columns: Columns) -> tuple[Document, ...]:
    """The rows of a CSV, JSON Lines or Parquet file as documents."""
    builder = BUILDERS[path.suffix]
    options: dict[str, Any] = {"data_files": str(path.resolve()), "split": "train"}
    if builder == "csv":  # read cells as they stand: no "NA" turned into a missing value, no "007" into 7
        options |= {"keep_default_na": False, "converters": dict.fromkeys(columns.named, str)}
    return _documents(str(path), _stream(str(path), path=builder, **options), columns)


def hub(source: str, columns: Columns) -> tuple[Document, ...]:
    """The rows of ``hub:OWNER/NAME[/CONFIGURATION][:SPLIT]``, split ``train`` unless named."""
    parts = _HUB.fullmatch(source)
    if parts is None:
        raise ValueError(f"corpus {source!r}: a hub data set is written hub:OWNER/NAME[/CONFIGURATION][:SPLIT]")
    rows = _stream(source, path=parts["path"], name=parts["name"], split=parts["split"] or "train")
    return _documents(source, rows, columns)


def _stream(source: str, **options: Any) -> list[dict[str, Any]]:
    import datasets  # noqa: PLC0415 - over a second, and most runs never need it

    datasets.utils.logging.set_verbosity(datasets.utils.logging.CRITICAL)  # what is wrong, the error says
    with tempfile.TemporaryDirectory() as cache:
        try:
            return list(datasets.load_dataset(**options, streaming=True, cache_dir=cache))
        except StopIteration:  # what an empty JSON Lines file gives
            return []
        except Exception as error:  # of pandas, pyarrow, the hub client: no common type
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"corpus {source!r} cannot be read: {reason}") from error


def _documents(source: str, rows: list[dict[str, Any]], columns: Columns) -> tuple[Document, ...]:
    documents = []
    for number, row in enumerate(rows, start=1):
        cells = {column: _cell(f"corpus {source!r}, row {number}", row, column) for column in columns.named}
        if cells[columns.text].strip():  # a blank row is a separator, as in WikiText
            author = cells[columns.author] if columns.author else f"row {number}"
            label = cells[columns.label] if columns.label else None
            documents.append(Document(text=cells[columns.text], author=author, label=label))
    return tuple(documents)


def _cell(place: str, row: dict[str, Any], column: str) -> str:
    if column not in row:
        raise ValueError(f"{place} has no column {column!r}; it has {', '.join(map(repr, row))}")
    value = row[column]
    if not isinstance(value, str | int | float):
        raise ValueError(f"{place}: column {column!r} must hold a string or a number, not {value!r}")
    return str(value)
