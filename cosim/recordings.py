"""Recorded rates in place of a modelled radio: the files a scenario names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from channel_models.trace_files import read_mahimahi, read_rates

if TYPE_CHECKING:
    from channel_models.trace import Trace
    from cosim.scenario.radio import RateTrace


def read_traces(source: RateTrace) -> tuple[Trace, ...]:
    """All recordings, file by file in the order of names.

    Raises:
        ValueError: no such file, or one that cannot be read.
    """
    return tuple(trace for file in files(source) for trace in _read(source, file))


def files(source: RateTrace) -> list[Path]:
    """The files that are meant.

    Raises:
        ValueError: there are none.
    """
    path = Path(source.file).expanduser()
    if path.is_dir():
        found = [file for file in path.iterdir() if file.is_file()]
    else:
        found = [file for file in path.parent.glob(path.name) if file.is_file()]
    if not found:
        raise ValueError("no such file, nor a folder or a pattern of any")
    return sorted(found)


def sha256(source: RateTrace) -> dict[str, str]:
    """The hash of each file, by name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files(source)}


def _read(source: RateTrace, file: Path) -> tuple[Trace, ...]:
    try:
        if source.column is None:
            return (read_mahimahi(str(file)),)
        return read_rates(
            str(file),
            source.column,
            unit_bps=source.unit,
            time_column=source.time_column,
            group_column=source.group_column,
            where=source.where,
        )
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from error
