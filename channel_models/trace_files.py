"""Traces from files: Mahimahi's packet opportunities, and rates once a second in CSV."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from channel_models.tables import number, opened, rows
from channel_models.trace import Trace

PACKET_BITS = 1500 * 8
"""What one line of a Mahimahi file lets through."""

_MOST_DIGITS = 12
_LONGEST_MS = 24 * 3600 * 1000
_LONGEST_S = 366 * 24 * 3600
_FASTEST_BPS = 1e18  # beyond, bits of a year overflow 64-bit integers
_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000


def read_mahimahi(file: str) -> Trace:
    """A trace in bins of a millisecond from a Mahimahi file, plain or compressed (.gz).

    Each line is the millisecond at whose end one packet of 1,500 bytes may leave, not before that of the line above;
    the file begins anew at the time of its last line. Time zero is therefore the end of the round before. R. Netravali
    et al., "Mahimahi: accurate record-and-replay for HTTP", USENIX ATC 2015. ValueError if the file is not so.
    """
    times_ms: list[int] = []
    with opened(file) as text:
        for line, content in enumerate(text, 1):
            word = content.strip()
            if not (word.isascii() and word.isdecimal()):
                raise ValueError(f"line {line}: {word!r} is not a whole number of milliseconds")
            if len(word) > _MOST_DIGITS or int(word) > _LONGEST_MS:
                raise ValueError(f"line {line}: {word[:_MOST_DIGITS]} ms is beyond the {_LONGEST_MS} ms of a day")
            if times_ms and int(word) < times_ms[-1]:
                raise ValueError(f"line {line}: {word} comes before the {times_ms[-1]} above it")
            times_ms.append(int(word))
    if not times_ms or times_ms[-1] == 0:
        raise ValueError("no packet after time zero")
    period_ms = times_ms[-1]
    packets = np.bincount((np.array(times_ms) - 1) % period_ms, minlength=period_ms)
    return Trace(bits=packets * PACKET_BITS, bin_ns=_NS_PER_MS)


def read_rates(
    file: str,
    column: str,
    *,
    unit_bps: float = 1e6,
    time_column: str = "t_s",
    group_column: str | None = None,
    where: Mapping[str, str] | None = None,
) -> tuple[Trace, ...]:
    """Traces in bins of a second from a CSV file with a row a second, plain or compressed (.gz).

    `column` has the rate in units of `unit_bps`, rounded to whole bits here; `time_column` whole seconds, which rise. A
    second that is missing has the rate of the one before it. Rows with different words in `group_column` are traces of
    their own, and only those rows count that have the words of `where`. Traces without a single bit are left out, for
    they would never end. ValueError if the file is not so, or nothing is left.
    """
    groups: dict[str | None, tuple[list[int], list[int]]] = {}
    columns = [column, time_column, *([group_column] if group_column else [])]
    for line, row in rows(file, columns, where):
        seconds, bits = groups.setdefault(row[group_column] if group_column else None, ([], []))
        second = number(line, row, time_column, "a whole number of seconds", float.is_integer)
        if seconds and second <= seconds[-1]:
            raise ValueError(f"line {line}: {time_column} = {second:g} does not rise")
        if seconds and second - seconds[0] > _LONGEST_S:
            raise ValueError(f"line {line}: {time_column} = {second:g} is more than {_LONGEST_S} s after the first")
        rate = number(line, row, column, "a rate from 0 on", lambda value: 0.0 <= value * unit_bps < _FASTEST_BPS)
        seconds.append(int(second))
        bits.append(round(rate * unit_bps))
    traces = tuple(_held(seconds, bits) for seconds, bits in groups.values() if any(bits))
    if not traces:
        raise ValueError(f"no row with a rate where {dict(where)}" if where else "no row with a rate")
    return traces


def _held(seconds: list[int], bits: list[int]) -> Trace:
    """A trace in which each row lasts until the next, and the last a second."""
    lasting = np.diff([*seconds, seconds[-1] + 1])
    return Trace(bits=np.repeat(np.array(bits), lasting), bin_ns=_NS_PER_S)
