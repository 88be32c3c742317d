"""A strict reading of Google's Trace Event Format, of the phases that a timeline of a run has."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.load import load
from analysis.result import EVENT_COLUMNS
from analysis.trace.events import write_trace

Event = dict[str, Any]

KEYS = {
    "X": ({"ph", "name", "cat", "pid", "tid", "ts", "dur", "args"}, set()),
    "C": ({"ph", "name", "cat", "pid", "tid", "ts", "args"}, set()),
    "M": ({"ph", "name", "cat", "pid", "tid", "ts", "args"}, set()),
    "s": ({"ph", "name", "cat", "id", "pid", "tid", "ts"}, set()),
    "t": ({"ph", "name", "cat", "id", "pid", "tid", "ts"}, set()),
    "f": ({"ph", "name", "cat", "id", "pid", "tid", "ts", "bp"}, set()),
}
"""Phases, each with the keys it must have; others are a mistake."""

METADATA = {
    "process_name": ("name", str),
    "process_sort_index": ("sort_index", int),
    "thread_name": ("name", str),
    "thread_sort_index": ("sort_index", int),
}


def checked(document: dict[str, Any]) -> list[Event]:
    """The events of a trace that was read with `parse_float=Decimal`; AssertionError says what is wrong with it."""
    assert set(document) == {"displayTimeUnit", "otherData", "traceEvents"}
    assert document["displayTimeUnit"] in {"ms", "ns"}
    events: list[Event] = document["traceEvents"]
    for event in events:
        _check_keys(event)
    spans = [event for event in events if event["ph"] == "X"]
    _check_names([event for event in events if event["ph"] == "M"], spans)
    _check_nesting(spans)
    _check_counters([event for event in events if event["ph"] == "C"])
    _check_flows(events, spans)
    return events


def _check_keys(event: Event) -> None:
    required, optional = KEYS[event["ph"]]
    assert required <= set(event) <= required | optional, event
    assert isinstance(event["name"], str) and isinstance(event["cat"], str), event
    assert all(type(event[key]) is int for key in ("pid", "tid")), event
    assert all(isinstance(event[key], int | Decimal) and event[key] >= 0 for key in ("ts", "dur") if key in event), (
        event
    )


def _check_names(metadata: list[Event], spans: list[Event]) -> None:
    for event in metadata:
        key, kind = METADATA[event["name"]]
        assert set(event["args"]) == {key} and type(event["args"][key]) is kind, event
    told = [(event["name"], event["pid"], event["tid"]) for event in metadata]
    assert len(set(told)) == len(told), "two names for one track"
    for span in spans:
        assert ("process_name", span["pid"], 0) in told, span
        assert ("thread_name", span["pid"], span["tid"]) in told, span


def _check_nesting(spans: list[Event]) -> None:
    """On one thread a span lies inside another or beside it."""
    threads: dict[tuple[int, int], list[tuple[Decimal, Decimal]]] = {}
    for span in spans:
        start = Decimal(span["ts"])
        threads.setdefault((span["pid"], span["tid"]), []).append((start, start + Decimal(span["dur"])))
    for found in threads.values():
        open_ends: list[Decimal] = []
        for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
            while open_ends and open_ends[-1] <= start:
                open_ends.pop()
            assert not open_ends or end <= open_ends[-1], f"overlap at {start}"
            open_ends.append(end)


def _check_counters(counters: list[Event]) -> None:
    for event in counters:
        assert event["args"], event
        assert all(type(value) in (int, Decimal) for value in event["args"].values()), event


def _check_flows(events: list[Event], spans: list[Event]) -> None:
    """Each arrow begins once, ends once, goes forwards, and every point of it is in a span that encloses it."""
    arrows: dict[int, list[Event]] = {}
    for event in events:
        if event["ph"] in "stf":
            arrows.setdefault(event["id"], []).append(event)
    enclosing: dict[tuple[int, int], list[tuple[Decimal, Decimal]]] = {}
    for span in spans:
        enclosing.setdefault((span["pid"], span["tid"]), []).append((span["ts"], span["ts"] + span["dur"]))
    for points in arrows.values():
        points.sort(key=lambda event: (event["ts"], "stf".index(event["ph"])))
        phases = "".join(point["ph"] for point in points)
        assert phases[0] == "s" and phases[-1] == "f" and set(phases[1:-1]) <= {"t"}, points
        assert points[-1]["bp"] == "e", points[-1]
        for point in points:
            found = enclosing[point["pid"], point["tid"]]
            assert any(start <= point["ts"] < end for start, end in found), point


@pytest.fixture
def traced() -> Callable[[Path], list[Event]]:
    """The events of a run's trace, checked, numbers as decimals."""

    def trace(folder: Path) -> list[Event]:
        (result,) = load(folder)
        write_trace(result, folder / "trace.json")
        text = (folder / "trace.json").read_text(encoding="utf-8")
        return checked(json.loads(text, parse_float=Decimal))

    return trace


@pytest.fixture
def record(make_run: Callable[..., Path]) -> Callable[..., Path]:
    """A run with these activities; what a row does not say is nothing."""

    def write(*rows: dict[str, Any], folder: str = "recorded") -> Path:
        path = make_run(folder)
        empty = {"act": "computing", "reason": "", "round": 1, "step": 0, "user": 0}
        table = pd.DataFrame([dict.fromkeys(EVENT_COLUMNS, 0) | empty | row for row in rows])
        table.to_parquet(path / "events.parquet")
        return path

    return write
