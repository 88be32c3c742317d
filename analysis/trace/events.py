"""A run in the Trace Event Format, which the Perfetto viewer (ui.perfetto.dev) opens, as does chrome://tracing.

The format is Google's ("Trace Event Format", 2016): complete events X, flows s, t and f, counters C, metadata M.
Timestamps are microseconds of simulated time with three decimals, so nanoseconds are exact.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from math import isfinite
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from analysis.delays import HAPPENINGS, LINKS
from analysis.files import whole_file
from analysis.nodes import cloud_first, user_node
from analysis.result import Result
from analysis.trace.counters import WHOLE, Counter, counters
from analysis.trace.flows import Flow, flows
from analysis.trace.instants import to_ns
from analysis.trace.tracks import ROWS, placed
from analysis.units import quantity_of

_ROUNDS = "rounds"
_COMPRESSION = 6


def write_trace(result: Result, path: Path | str) -> int:
    """Write the timeline of ``result`` and return how many events it has; compressed if ``path`` ends in `.gz`.

    The file appears whole or not at all. Raises ValueError if the run has recorded nothing yet.
    """
    if result.events.empty:
        raise ValueError(f"{result.path}: no activity is recorded yet")
    count = 0
    with whole_file(Path(path)) as temporary, _text(temporary, compressed=Path(path).suffix == ".gz") as file:
        other = {"run": result.label, "seed": result.seed, "finished": result.finished, "clock": "simulated time"}
        file.write(f'{{"displayTimeUnit":"ns","otherData":{json.dumps(other)},"traceEvents":[\n')
        for line in trace_events(result):
            file.write(f",\n{line}" if count else line)
            count += 1
        file.write("\n]}\n")
    return count


def trace_events(result: Result) -> Iterator[str]:
    """The events, each as JSON: names of tracks, then rounds and activities with their flows, then counters."""
    table = placed(result.events)
    found = list(counters(result, table))
    tracks = _Tracks(table, found)
    yield from tracks.named()
    yield from _rounds(result, *tracks.of(WHOLE, _ROUNDS, 0))
    yield from _activities(table, tracks)
    for counter in found:
        yield from _values(counter, tracks.processes[counter.owner])


class _Tracks:
    """Numbers of the tracks: a process an owner, a thread a lane of a row."""

    def __init__(self, table: pd.DataFrame, found: Iterable[Counter]) -> None:
        owners = {*table["owner"], *(counter.owner for counter in found)} - {WHOLE}
        self.processes = {WHOLE: 1} | {owner: number for number, owner in enumerate(sorted(owners, key=cloud_first), 2)}
        lanes = table.groupby(["owner", "row", "lane"], sort=False).size().index.tolist()
        lanes.sort(key=lambda lane: (cloud_first(lane[0]), ROWS.index(lane[1]), lane[2]))
        self._threads = {lane: number for number, lane in enumerate([(WHOLE, _ROUNDS, 0), *lanes], 1)}

    def of(self, owner: str, row: str, lane: int) -> tuple[int, int]:
        """Process and thread."""
        return self.processes[owner], self._threads[owner, row, lane]

    def named(self) -> Iterator[str]:
        """The metadata."""
        for owner, pid in self.processes.items():
            yield _metadata("process_name", pid, 0, name=owner)
            yield _metadata("process_sort_index", pid, 0, sort_index=pid)
        for (owner, row, lane), tid in self._threads.items():
            pid = self.processes[owner]
            yield _metadata("thread_name", pid, tid, name=f"{row} {lane + 1}" if lane else row)
            yield _metadata("thread_sort_index", pid, tid, sort_index=tid)


def _metadata(what: str, pid: int, tid: int, **args: object) -> str:
    return _json({"ph": "M", "name": what, "cat": "__metadata", "pid": pid, "tid": tid, "ts": 0, "args": args})


def _rounds(result: Result, pid: int, tid: int) -> Iterator[str]:
    """A span a round, with what it had brought by its end."""
    ends_ns = to_ns(result.rounds["sim_time_s"]).tolist()
    rows = result.rounds.to_dict("records")[1:]
    for start_ns, end_ns, row in zip(ends_ns, ends_ns[1:], rows, strict=False):
        known = {name: value for name, value in row.items() if value is not None and isfinite(value)}
        number = row["round"]
        yield f"{_span(f'Round {number}', 'round', pid, tid, start_ns, end_ns)}{_json(known)}}}"


def _activities(table: pd.DataFrame, tracks: _Tracks) -> Iterator[str]:
    """A span an activity; where it carries or uses a message, its flow."""
    arrows = _Arrows(flows(table))
    columns = ("owner", "row", "lane", "kind", "node", "user", "round", "step", "start_ns", "end_ns", "reason")
    amounts = ("bytes", "flops", "energy_j")
    values = zip(*(table[name].tolist() for name in (*columns, *amounts)), strict=True)
    for place, (owner, row, lane, kind, node, user, number, step, start, end, reason, *rest) in enumerate(values):
        pid, tid = tracks.of(owner, row, lane)
        args = {"node": node, "user": user, "round": number, "step": step}
        args |= {name: value for name, value in zip(amounts, rest, strict=True) if value}
        if reason:
            args["reason"] = reason
        if row in LINKS and end > start:
            args["bit_per_s"] = round(args.get("bytes", 0) * 8e9 / (end - start))
        yield f"{_span(_name(kind, owner, user, reason), kind, pid, tid, start, end)}{_json(args)}}}"
        for phase, flow in arrows.at(place):
            bound = ',"bp":"e"' if phase == "f" else ""
            where = f'"id":{flow},"pid":{pid},"tid":{tid},"ts":{_us(start)}'
            yield f'{{"ph":"{phase}","name":"message","cat":"message",{where}{bound}}}'


class _Arrows:
    """The flows by the rows they touch: s where a message starts, t where it goes on, f where it is used."""

    def __init__(self, found: Iterable[Flow]) -> None:
        self._at: dict[int, list[tuple[str, int]]] = {}
        for number, flow in enumerate(found, 1):
            first, *others = flow.hops
            for place, phase in ((first, "s"), *((hop, "t") for hop in others), (flow.use, "f")):
                self._at.setdefault(place, []).append((phase, number))

    def at(self, place: int) -> list[tuple[str, int]]:
        """Phases and numbers of the flows at a row."""
        return self._at.get(place, [])


def _values(counter: Counter, pid: int) -> Iterator[str]:
    head = f'{{"ph":"C","name":{_json(counter.name)},"cat":"counter","pid":{pid},"tid":0,"ts":'
    names = [_json(name) for name in counter.series]
    values = zip(*(series.tolist() for series in counter.series.values()), strict=True)
    for instant_ns, row in zip(counter.instants_ns.tolist(), values, strict=True):
        args = ",".join(f"{name}:{value}" for name, value in zip(names, row, strict=True))
        yield f'{head}{_us(instant_ns)},"args":{{{args}}}}}'


def _name(kind: str, owner: str, user: int, reason: str) -> str:
    if reason and kind in ("waiting", *HAPPENINGS):
        return f"{quantity_of(kind)}: {reason}"
    return f"{quantity_of(kind)}, user {user}" if user >= 0 and owner != user_node(user) else quantity_of(kind)


def _span(name: str, kind: str, pid: int, tid: int, start_ns: int, end_ns: int) -> str:
    """An event X up to its arguments."""
    when = f'"ts":{_us(start_ns)},"dur":{_us(end_ns - start_ns)}'
    return f'{{"ph":"X","name":{_json(name)},"cat":{_json(kind)},"pid":{pid},"tid":{tid},{when},"args":'


def _us(nanoseconds: int) -> str:
    """Nanoseconds as microseconds, in decimals and so exact."""
    whole, rest = divmod(nanoseconds, 1000)
    return f"{whole}.{rest:03d}" if rest else str(whole)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@contextmanager
def _text(path: Path, *, compressed: bool) -> Iterator[TextIO]:
    """A text file; compressed, it has neither name nor date inside, so equal traces are equal files."""
    with path.open("wb") as raw:
        if not compressed:
            with TextIOWrapper(raw, encoding="utf-8", newline="\n") as file:
                yield file
            return
        with (
            gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0) as packed,
            TextIOWrapper(packed, encoding="utf-8", newline="\n") as file,
        ):
            yield file
