"""Rows and lanes: overlapping activities apart, others together."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analysis.trace.tracks import placed

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), min_size=1, max_size=40)


def transfers(spans: list[tuple[int, int]]) -> pd.DataFrame:
    starts = np.array([start for start, _ in spans], dtype=float)
    lengths = np.array([length for _, length in spans], dtype=float)
    same = {"node": "edge0", "act": "transmitting", "kind": "downlink", "user": 0}
    return pd.DataFrame({"start_s": starts, "end_s": starts + lengths}).assign(**same)


@given(SPANS)
def test_lanes_are_as_few_as_activities_overlap_and_none_do_in_one(spans: list[tuple[int, int]]) -> None:
    table = placed(transfers(spans))
    for _, lane in table.groupby("lane"):
        assert (lane["start_ns"].to_numpy()[1:] >= lane["end_ns"].to_numpy()[:-1]).all()
    most = max(sum(start <= second < start + length for start, length in spans) for second in range(60))
    assert table["lane"].max() + 1 == max(1, most)


def test_carrying_is_told_by_its_link_and_all_else_by_what_is_done() -> None:
    acts = [("transmitting", "uplink"), ("propagating", "uplink"), ("transmitting", "backhaul")]
    acts += [
        ("propagating", "backhaul"),
        ("computing", "user_compute"),
        ("waiting", "waiting"),
        ("happening", "outage"),
    ]
    table = transfers([(second, 1) for second in range(len(acts))]).assign(
        act=[act for act, _ in acts], kind=[kind for _, kind in acts]
    )
    rows = ["uplink", "uplink", "backhaul", "latency", "computing", "waiting", "happening"]
    assert placed(table)["row"].tolist() == rows
