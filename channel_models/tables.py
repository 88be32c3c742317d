"""Recordings and measurements in text files, plain or compressed (.gz): rows by column, cell by cell.

Errors are one line and name the line and the value; which file it was, the caller knows.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

Row = Mapping[str, str | None]

_UNREADABLE = (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError)


def rows(file: str, columns: Sequence[str], where: Mapping[str, str] | None = None) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV file with a header, each with the line at which it ends.

    Only those in which each column named in `where` has the text given there. ValueError if the file cannot be read or
    lacks one of the columns.
    """
    wanted = where or {}
    with opened(file) as text:
        reader = csv.DictReader(text, skipinitialspace=True)
        header = reader.fieldnames or ()
        for name in (*columns, *wanted):
            if name not in header:
                raise ValueError(f"no column {name!r}, only {', '.join(header) or 'an empty file'}")
        for row in reader:
            if all(row[name] == text for name, text in wanted.items()):
                yield reader.line_num, row


def number(line: int, row: Row, column: str, wanted: str, accept: Callable[[float], bool] = math.isfinite) -> float:
    """The finite number in that column. ValueError for another, which says what is `wanted` instead."""
    text = row[column] or ""  # None where the row is too short
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and accept(value)):
        raise ValueError(f"line {line}: {column} = {text!r} is not {wanted}")
    return value


def count(line: int, row: Row, column: str) -> int:
    """The non-negative integer in that column. ValueError for another."""
    text = (row[column] or "").strip()
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"line {line}: {column} = {text!r} is not a number from 0 on")
    return int(text)


@contextmanager
def opened(file: str) -> Iterator[TextIO]:
    """The text of a file. ValueError if it cannot be read, now or on the way."""
    try:
        path = Path(file).expanduser()
    except RuntimeError as error:
        raise ValueError("no such file: there is no user of this name, or no home (~)") from error
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as text:
                yield text
        else:
            with path.open(encoding="utf-8-sig", newline="") as text:
                yield text
    except FileNotFoundError as error:
        raise ValueError("no such file") from error
    except _UNREADABLE as error:
        raise ValueError(f"cannot be read: {' '.join(str(error).split())}") from error
