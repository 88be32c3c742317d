"""Where the activities of a run stand in a timeline: whose row, and which lane of it, so that none overlap."""

import heapq

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.delays import HAPPENINGS, LINKS, require_known_kinds
from analysis.nodes import user_node
from analysis.trace.instants import to_ns

ROWS = ("computing", *LINKS, "latency", "waiting", "happening")
"""The rows a node can have, in the order they are shown: its processor, its links, and what befell it."""


def placed(events: pd.DataFrame) -> pd.DataFrame:
    """``events`` in order of start with columns `start_ns`, `end_ns`, `owner`, `row` and `lane`.

    The owner is the node of the activity, but of waiting the user whose delay it is. A row has as many lanes, counted
    from 0, as activities that overlap in it; those of a lane follow one another. Raises ValueError for a kind of
    activity that is not known.
    """
    require_known_kinds(events)
    table = events.assign(
        start_ns=to_ns(events["start_s"]), end_ns=to_ns(events["end_s"]), owner=_owners(events), row=_rows(events)
    )
    table = table.sort_values(["start_ns", "end_ns"], kind="stable", ignore_index=True)
    return table.assign(lane=lanes(table, ["owner", "row"]))


def lanes(table: pd.DataFrame, rows: list[str]) -> NDArray[np.int64]:
    """The lane (n,) of each activity of ``table``, in the row that the columns ``rows`` name; starts are in order."""
    start_ns, end_ns = table["start_ns"].to_numpy(), table["end_ns"].to_numpy()
    found = np.zeros(len(table), dtype=np.int64)
    for places in table.groupby(rows, sort=False).indices.values():
        found[places] = _lanes(start_ns[places], end_ns[places])
    return found


def _owners(events: pd.DataFrame) -> "pd.Series[str]":
    own_waiting = (events["act"] == "waiting") & (events["user"] >= 0)
    return events["node"].where(~own_waiting, events["user"].astype("int64").map(user_node))


def _rows(events: pd.DataFrame) -> "pd.Series[str]":
    """Carrying is told by its link, all else by what is done."""
    row = events["act"].where(~events["act"].isin(["transmitting", "propagating"]), events["kind"])
    row = row.where(~((events["act"] == "propagating") & (events["kind"] == "backhaul")), "latency")
    return row.where(~events["kind"].isin(HAPPENINGS), "happening")


def _lanes(start_ns: NDArray[np.int64], end_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The lowest lane (n,) that is free at each start (n,); starts are in order."""
    found = np.zeros(len(start_ns), dtype=np.int64)
    if (start_ns[1:] >= np.maximum.accumulate(end_ns)[:-1]).all():
        return found
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    for place, (start, end) in enumerate(zip(start_ns.tolist(), end_ns.tolist(), strict=True)):
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (end, lane))
        found[place] = lane
    return found
