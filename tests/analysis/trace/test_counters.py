"""Staircases: who waits, what is carried, what is held."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analysis.load import load
from analysis.result import LINKS_COLUMNS
from analysis.trace.counters import counters, staircase
from analysis.trace.tracks import placed

Record = Callable[..., Path]
SPANS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10), st.integers(0, 10**12)), max_size=20)


def found(folder: Path) -> dict[tuple[str, str], list[str]]:
    """Every counter as text: instants in seconds, and values."""
    (result,) = load(folder)
    return {
        (counter.owner, counter.name): [
            f"{instant / 1e9:g}: {', '.join(f'{values[place]} {name}' for name, values in counter.series.items())}"
            for place, instant in enumerate(counter.instants_ns)
        ]
        for counter in counters(result, placed(result.events))
    }


def waits(start_s: float, end_s: float, node: str, reason: str) -> dict[str, Any]:
    return {"start_s": start_s, "end_s": end_s, "node": node, "act": "waiting", "kind": "waiting", "reason": reason}


def sent(start_s: float, end_s: float, node: str, kind: str, nbytes: int) -> dict[str, Any]:
    return {"start_s": start_s, "end_s": end_s, "node": node, "act": "transmitting", "kind": kind, "bytes": nbytes}


@given(SPANS)
def test_a_staircase_is_the_sum_over_what_is_there(spans: list[tuple[int, int, int]]) -> None:
    start, length, height = (
        (np.array(column, dtype=np.int64) for column in zip(*spans, strict=True))
        if spans
        else (np.empty(0, np.int64),) * 3
    )
    instants, values = staircase(start, start + length, height)
    for instant, value in zip(instants, values, strict=True):
        assert value == sum(h for s, n, h in spans if s <= instant < s + n)
    assert not spans or values[-1] == 0


def test_queues_are_those_of_processors_and_wires(record: Record) -> None:
    at_edge = (waits(0, 2, "edge0", "edge0 busy"), waits(1, 3, "edge0", "edge0 busy"))
    counted = found(record(*at_edge, waits(0, 1, "edge0", "backhaul busy"), waits(0, 1, "user1", "the other users")))
    assert counted["edge0", "waiting: processor"] == [
        "0: 1 activities",
        "1: 2 activities",
        "2: 1 activities",
        "3: 0 activities",
    ]
    assert counted["edge0", "waiting: backhaul busy"] == ["0: 1 activities", "1: 0 activities"]
    assert counted["simulation", "waiting: the other users"] == ["0: 1 activities", "1: 0 activities"]


def test_rates_add_up_in_a_cell(record: Record) -> None:
    counted = found(record(sent(0, 2, "edge0", "downlink", 10), sent(1, 2, "edge0", "downlink", 5)))
    assert counted["edge0", "downlink rate"] == ["0: 40 bit/s", "1: 80 bit/s", "2: 0 bit/s"]


def test_uplinks_count_for_the_user_and_in_the_cell_that_serves_it_then(record: Record) -> None:
    handover = {"start_s": 3.0, "end_s": 3.0, "node": "user0", "act": "happening", "kind": "handover", "user": -2}
    folder = record(
        sent(0, 1, "user0", "uplink", 1),
        sent(0, 1, "user1", "uplink", 2),
        handover | {"reason": "edge1 to edge2, stronger by 3 dB for 160 ms"},
        sent(3, 4, "user0", "uplink", 1),
    )
    places = [{"user": 0, "edge": 1, "serving": True}, {"user": 0, "edge": 0, "serving": False}]
    pd.DataFrame([dict.fromkeys(LINKS_COLUMNS, 0.0) | place for place in places]).to_parquet(folder / "links.parquet")
    counted = found(folder)
    assert counted["edge1", "uplink rate"] == ["0: 8 bit/s", "1: 0 bit/s"]
    assert counted["edge2", "uplink rate"] == ["3: 8 bit/s", "4: 0 bit/s"]
    assert counted["user0", "uplink rate"] == ["0: 8 bit/s", "1: 0 bit/s", "3: 8 bit/s", "4: 0 bit/s"]
    assert counted["user1", "uplink rate"] == ["0: 16 bit/s", "1: 0 bit/s"]


def test_memory_is_what_all_changes_have_left(record: Record) -> None:
    folder = record({"start_s": 0.0, "end_s": 1.0, "node": "user0", "kind": "user_compute"})
    rows = [(0.0, "weights", 100), (1.0, "activations", 7), (1.0, "activations", 3), (2.5, "activations", -10)]
    held = pd.DataFrame(rows, columns=["time_s", "kind", "bytes"]).assign(node="user0")
    held.to_parquet(folder / "held.parquet")
    assert found(folder)["user0", "memory"] == [
        "0: 100 weights, 0 activations",
        "1: 100 weights, 10 activations",
        "2.5: 100 weights, 0 activations",
    ]
