"""A run as a trace: valid, exact, complete, whole or not at all."""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from analysis.delays import KINDS
from analysis.load import load
from analysis.result import Result
from analysis.trace.events import write_trace

ROUNDING_S = 1e-8  # the activities made here do not last whole nanoseconds, and there are some ten of a kind
USERS = 2

MakeRun = Callable[..., Path]
Traced = Callable[[Path], list[dict[str, Any]]]


def spans(events: list[dict[str, Any]], **wanted: object) -> list[dict[str, Any]]:
    return [event for event in events if event["ph"] == "X" and all(event[key] == wanted[key] for key in wanted)]


def test_spans_add_up_to_the_delays_of_the_summary(make_run: MakeRun, traced: Traced) -> None:
    folder = make_run("run", slowness=0.123456789)
    delay_s: dict[str, Fraction] = defaultdict(Fraction)
    for span in spans(traced(folder)):
        if span["cat"] in KINDS and span["args"]["user"] != -2:
            share = Fraction(1) if span["args"]["user"] == -1 else Fraction(1, USERS)
            delay_s[span["cat"]] += share * Fraction(span["dur"]) / 1_000_000
    summary = json.loads((folder / "summary.json").read_text())["delay_s"]
    assert {kind: float(seconds) for kind, seconds in delay_s.items()} == pytest.approx(summary, abs=ROUNDING_S)


def test_every_activity_is_a_span_of_its_own_duration_to_the_nanosecond(record: MakeRun, traced: Traced) -> None:
    draw = random.Random(1)
    starts_ns = sorted(draw.randrange(10**13) for _ in range(200))
    rows = [
        {"start_s": start / 1e9, "end_s": (start + draw.randrange(1, 10**9)) / 1e9, "node": "edge0"}
        | {"act": "transmitting", "kind": "downlink", "bytes": 1, "user": draw.randrange(-2, 3)}
        for start in starts_ns
    ]
    events = traced(record(*rows))
    expected = {(round(row["start_s"] * 1e9), round(row["end_s"] * 1e9)) for row in rows}
    found = {(1000 * span["ts"], 1000 * (span["ts"] + span["dur"])) for span in spans(events, cat="downlink")}
    assert found == expected


def test_transfers_at_once_have_lanes_of_their_own(record: MakeRun, traced: Traced) -> None:
    rows = [
        {
            "start_s": start,
            "end_s": end,
            "node": "edge0",
            "act": "transmitting",
            "kind": "downlink",
            "bytes": 8,
            "user": u,
        }
        for u, (start, end) in enumerate([(0.0, 3.0), (1.0, 2.0), (2.0, 4.0)])
    ]
    found = spans(traced(record(*rows)), cat="downlink")
    first, second, third = (span["tid"] for span in found)
    assert first != second and third == second
    assert [span["name"] for span in found] == [f"Downlink, user {user}" for user in range(3)]


def test_processes_are_nodes_in_the_order_people_count(record: MakeRun, traced: Traced) -> None:
    rows = [
        {"start_s": 0.0, "end_s": 1.0, "node": node, "kind": "user_compute"} for node in ("user10", "user2", "edge0")
    ]
    events = traced(record(*rows, {"start_s": 0.0, "end_s": 1.0, "node": "cloud", "kind": "cloud_compute"}))
    names = [event["args"]["name"] for event in events if event["name"] == "process_name"]
    assert names == ["simulation", "cloud", "edge0", "user2", "user10"]


def test_waiting_stands_with_the_user_whose_delay_it_is(record: MakeRun, traced: Traced) -> None:
    waits = {"start_s": 0.0, "end_s": 1.0, "act": "waiting", "kind": "waiting", "node": "edge0", "reason": "edge0 busy"}
    events = traced(record(waits | {"user": 3}, waits | {"user": -1}))
    names = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    assert {names[span["pid"]] for span in spans(events, cat="waiting")} == {"user3", "edge0"}


def test_rounds_have_a_track_with_what_was_learned(make_run: MakeRun, traced: Traced) -> None:
    found = spans(traced(make_run("run")), cat="round")
    assert [(span["ts"], span["dur"]) for span in found] == [(0, 9_000_000), (9_000_000, 9_000_000)]
    assert [span["args"]["perplexity"] for span in found] == [30, 20]


def test_a_trace_of_nothing_learned_has_no_numbers_that_are_none(
    make_run: MakeRun, traced: Traced, nothing_learned: Any
) -> None:
    found = spans(traced(make_run("run", **nothing_learned)), cat="round")
    assert all("perplexity" not in span["args"] for span in found)


def test_what_happened_in_no_time_is_still_there(record: MakeRun, traced: Traced) -> None:
    row = {"start_s": 1.0, "end_s": 1.0, "node": "user0", "act": "happening", "kind": "deadline", "user": -2}
    (span,) = spans(traced(record(row | {"reason": "left out of the round"})), cat="deadline")
    assert (span["ts"], span["dur"], span["name"]) == (1_000_000, 0, "Deadline: left out of the round")


def test_compressed_traces_say_the_same_and_repeat_byte_by_byte(make_run: MakeRun) -> None:
    folder = make_run("run")
    (result,) = load(folder)
    for name in ("trace.json", "one.json.gz", "two.json.gz"):
        write_trace(result, folder / name)
    packed = (folder / "one.json.gz").read_bytes()
    assert packed == (folder / "two.json.gz").read_bytes()
    assert gzip.decompress(packed) == (folder / "trace.json").read_bytes()


def test_a_trace_that_fails_leaves_no_file(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run("run")

    def failing(_: Result) -> Any:
        yield "{}"
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("analysis.trace.events.trace_events", failing)
    before = set(folder.iterdir())
    with pytest.raises(RuntimeError, match="the disk is full"):
        write_trace(load(folder)[0], folder / "trace.json.gz")
    assert set(folder.iterdir()) == before


def test_a_run_that_has_only_begun_has_no_trace_yet(make_run: MakeRun) -> None:
    folder = make_run("run")
    (folder / "events.parquet").unlink()
    with pytest.raises(ValueError, match="no activity is recorded yet"):
        write_trace(load(folder)[0], folder / "trace.json")


@pytest.mark.parametrize("name", ['<script>alert("x")</script>', 'a "quoted" \\ node\n', "Knoten ä"])
def test_names_are_escaped(record: MakeRun, traced: Traced, name: str) -> None:
    row = {"start_s": 0.0, "end_s": 1.0, "node": name, "kind": "user_compute", "user": -1}
    events = traced(record(row))
    assert name in {event["args"]["name"] for event in events if event["name"] == "process_name"}
