"""What there was of something at any time: who waits, what is carried, what is held; each a staircase."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.nodes import user_node
from analysis.result import Result
from analysis.trace.instants import NS_PER_S, to_ns

WHOLE = "simulation"
"""The owner of what belongs to no node."""

_HANDOVER = r"^\w+ to (\w+),"
"""How the reason of a handover begins: from where to where."""


@dataclass(frozen=True, eq=False)
class Counter:
    """A staircase: from instant (n,) on, each of ``series`` has its value (n,)."""

    owner: str
    name: str
    instants_ns: NDArray[np.int64]
    series: dict[str, NDArray[np.int64]]


def counters(result: Result, table: pd.DataFrame) -> Iterator[Counter]:
    """Queues, rates and memory of ``result``, whose activities ``table`` holds as ``tracks.placed`` gives them."""
    yield from _queues(table)
    yield from _rates(result, table)
    yield from _memory(result)


def _queues(table: pd.DataFrame) -> Iterator[Counter]:
    """How many activities wait for a processor or a wire, at its node, and for what else, over all users."""
    waiting = table[table["act"] == "waiting"]
    busy = waiting["reason"].str.endswith(" busy")
    owner = waiting["node"].where(busy, WHOLE)
    name = ("waiting: " + waiting["reason"]).where(waiting["reason"] != waiting["node"] + " busy", "waiting: processor")
    for key, part in waiting.groupby([owner.rename("owner"), name.rename("name")]):
        instants, count = staircase(
            part["start_ns"].to_numpy(), part["end_ns"].to_numpy(), np.ones(len(part), np.int64)
        )
        yield Counter(str(key[0]), str(key[1]), instants, {"activities": count})


def _rates(result: Result, table: pd.DataFrame) -> Iterator[Counter]:
    """Bits per second under way, each transfer at its mean rate: in a cell, on a user's uplink, on a sender's wire."""
    carried = table[(table["act"] == "transmitting") & (table["end_ns"] > table["start_ns"])]
    seconds = (carried["end_ns"] - carried["start_ns"]) / NS_PER_S
    carried = carried.assign(rate_bps=(carried["bytes"] * 8 / seconds).round().astype("int64"), carrier=carried["node"])
    up = carried[carried["kind"] == "uplink"]
    in_cell = up.assign(carrier=_served_by(result, up))
    in_cell = in_cell[in_cell["carrier"] != in_cell["node"]]
    for (carrier, kind), part in pd.concat([carried, in_cell]).groupby(["carrier", "kind"]):
        times_ns = part["start_ns"].to_numpy(), part["end_ns"].to_numpy()
        instants, total_bps = staircase(*times_ns, part["rate_bps"].to_numpy())
        yield Counter(str(carrier), f"{kind} rate", instants, {"bit/s": total_bps})


def _memory(result: Result) -> Iterator[Counter]:
    held = result.held
    for node, part in held.groupby("node", sort=False):
        changes = part.assign(instant_ns=to_ns(part["time_s"])).pivot_table(
            index="instant_ns", columns="kind", values="bytes", aggfunc="sum", fill_value=0
        )
        by_kind = changes.cumsum().astype("int64")
        series = {str(kind): by_kind[kind].to_numpy() for kind in dict.fromkeys(part["kind"])}
        yield Counter(str(node), "memory", by_kind.index.to_numpy(dtype=np.int64), series)


def staircase(
    start_ns: NDArray[np.int64], end_ns: NDArray[np.int64], height: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Instants (m,) and from each on the sum (m,) of the ``height`` (n,) of those spans [start, end) that hold it."""
    instants, place = np.unique(np.concatenate([start_ns, end_ns]), return_inverse=True)
    change = np.zeros(len(instants), dtype=np.int64)
    np.add.at(change, place, np.concatenate([height, -height]))
    return instants, np.cumsum(change)


def _served_by(result: Result, uplinks: pd.DataFrame) -> "pd.Series[str]":
    """The edge server in whose cell each of ``uplinks`` was sent; the sender itself where that is not known."""
    first = result.links[(result.links["time_s"] == 0) & result.links["serving"].astype(bool)]
    at_first = pd.DataFrame({"node": first["user"].map(user_node), "edge": first["edge"].map("edge{}".format)})
    befell = result.events[result.events["kind"] == "handover"]
    handed_over = pd.DataFrame({"node": befell["node"], "edge": befell["reason"].str.extract(_HANDOVER, expand=False)})
    changes = pd.concat([at_first.assign(start_ns=0), handed_over.assign(start_ns=to_ns(befell["start_s"]))])
    changes = changes.astype({"node": object, "edge": object, "start_ns": "int64"}).sort_values(
        "start_ns", kind="stable"
    )
    sent = uplinks[["start_ns", "node"]].astype({"node": object})
    served = pd.merge_asof(sent, changes, on="start_ns", by="node")["edge"].set_axis(uplinks.index)
    return served.fillna(uplinks["node"])
