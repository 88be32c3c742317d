"""Tables of measurements: columns of positive numbers from a CSV file, which may be compressed."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

_Row = Mapping[str, str | None]
_Unreadable = (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError)


def read_columns(file: str, columns: Sequence[str], where: Mapping[str, str] | None = None) -> NDArray[np.float64]:
    """The numbers (columns, rows) of a CSV file with a header, as text (``.csv``) or compressed (``.csv.gz``).

    Only the rows are read in which each column named in ``where`` has the text given there.

    Raises:
        ValueError: the file cannot be read, has no such column or row, or a cell is no positive finite number.
    """
    wanted = where or {}
    try:
        with _opened(Path(file).expanduser()) as text:
            reader = csv.DictReader(text, skipinitialspace=True)
            _check_header(reader.fieldnames or (), [*columns, *wanted])
            rows = [[_number(row, name, line) for name in columns] for line, row in _rows(reader, wanted)]
    except _Unreadable as error:
        raise ValueError(_one_line(error)) from error
    if not rows:
        raise ValueError(f"no row where {dict(wanted)}" if wanted else "no row below the header")
    return np.array(rows).T


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _rows(reader: csv.DictReader[str], where: Mapping[str, str]) -> Iterator[tuple[int, _Row]]:
    """The rows asked for, with the line of the file at which each ends."""
    for row in reader:
        if all(row[name] == text for name, text in where.items()):
            yield reader.line_num, row


def _check_header(header: Sequence[str], names: Sequence[str]) -> None:
    for name in names:
        if name not in header:
            raise ValueError(f"no column {name!r}, only {', '.join(header) or 'an empty file'}")


def _number(row: _Row, column: str, line: int) -> float:
    text = row[column] or ""  # None where the row is too short
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ValueError(f"line {line}: {column} = {text!r} is not a positive number")
    return value


def _one_line(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return f"cannot be read: {' '.join(str(error).split())}"
