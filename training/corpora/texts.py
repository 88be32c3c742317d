"""Corpora of running text: Python's own documentation, a text file, a folder of text files."""

from __future__ import annotations

from pathlib import Path

from training.corpora.corpus import Document


def python_docs() -> tuple[Document, ...]:
    """The language reference that every CPython carries for ``help()``: about 80 topics, 0.45 MB; a topic is an author.

    The text is that of the running interpreter; the hash of the corpus tells versions apart.
    """
    from pydoc_data.topics import topics  # noqa: PLC0415 - half a megabyte that only this corpus needs

    return tuple(Document(text=text, author=topic) for topic, text in sorted(topics.items()))


def text_file(path: Path) -> tuple[Document, ...]:
    """One document; its author is the file's name without suffix."""
    return (Document(text=_read(path), author=path.stem),)


def text_folder(folder: Path) -> tuple[Document, ...]:
    """One document a file, sub-folders included, hidden files not; the author is the file's path inside ``folder``."""
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    shown = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    return tuple(Document(text=_read(folder / name), author=name.as_posix()) for name in shown)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"corpus file {str(path)!r} is not UTF-8 text: {error.reason} at byte {error.start}") from None
