"""Which computing used what was sent: a message is its hops, one after another, and the activity that waited for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.delays import EVERYBODY, NOBODY
from analysis.nodes import user_node

_USED_BY = {"uplink": "edge_compute", "downlink": "user_compute"}
"""Who computes where a last hop has ended; a backhaul ends at the cloud if an edge server sent it, else at one."""

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True)
class Flow:
    """Rows of the table of activities: the transfers that carried a message, in their order, and what used it."""

    hops: tuple[int, ...]
    use: int


def flows(table: pd.DataFrame) -> list[Flow]:
    """The flows of ``table``, which are activities as ``tracks.placed`` gives them.

    A message is used by the first computing that follows on the same user's path, or on everybody's, at the kind of
    node where its last hop ends. One whose user's round has ended meanwhile is used by none. What servers send beside
    the users' paths is followed to the cloud only: which edge server it went to, the record does not say.
    """
    carried = table[(table["act"] == "transmitting") & (table["end_ns"] > table["start_ns"])]
    carried = carried.assign(rank=_rank(carried), cut=carried["reason"].str.startswith("cut off"))
    computed = table[(table["act"] == "computing") & (table["end_ns"] > table["start_ns"])]
    late_ns = table[table["kind"].isin(["deadline", "drop"])].groupby("node")["start_ns"].apply(np.array).to_dict()
    uses = _Uses(computed)
    starts_ns, ends_ns, nodes, kinds = (table[name].tolist() for name in ("start_ns", "end_ns", "node", "kind"))
    found = []
    by_user: dict[Any, Any] = carried.groupby("user").indices
    for user, places in by_user.items():
        hops = carried.iloc[places]
        missed = late_ns.get(user_node(user), _NONE)
        before = uses.before(user, hops["start_ns"].to_numpy())
        for message in _messages(hops, before.tolist(), alone=user == NOBODY):
            last = message[-1]
            use = uses.after(user, _kind_of_use(kinds[last], nodes[last]), ends_ns[last])
            if use is not None and not _any_in(missed, starts_ns[message[0]], starts_ns[use]):
                found.append(Flow(tuple(message), use))
    return found


class _Uses:
    """Starts of computing by path and kind, to look up what comes next."""

    def __init__(self, computed: pd.DataFrame) -> None:
        starts_ns, rows = computed["start_ns"].to_numpy(), computed.index.to_numpy()
        self._of_path = {user: starts_ns[found] for user, found in computed.groupby("user").indices.items()}
        self._of_kind = {
            key: (starts_ns[found], rows[found]) for key, found in computed.groupby(["user", "kind"]).indices.items()
        }

    def before(self, user: int, instants_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """How much computing (n,) the path of ``user`` has had by the instants (n,)."""
        count = np.zeros(len(instants_ns), dtype=np.int64)
        for path in {user, EVERYBODY}:
            count += np.searchsorted(self._of_path.get(path, _NONE), instants_ns)
        return count

    def after(self, user: int, kind: str, instant_ns: int) -> int | None:
        """Row of the first computing of ``kind`` on the path of ``user`` from ``instant_ns`` on."""
        if user == NOBODY and kind != "cloud_compute":
            return None
        found = []
        for path in dict.fromkeys((user, EVERYBODY)):
            starts_ns, rows = self._of_kind.get((path, kind), (_NONE, _NONE))
            place = np.searchsorted(starts_ns, instant_ns)
            if place < len(rows):
                found.append((int(starts_ns[place]), int(rows[place])))
        return min(found)[1] if found else None


def _rank(carried: pd.DataFrame) -> "pd.Series[int]":
    """How far along its way from one user to another a message is on this hop."""
    rank = carried["kind"].map({"uplink": 0, "backhaul": 1, "downlink": 3}).astype("int64")
    return rank + ((carried["kind"] == "backhaul") & (carried["node"] == "cloud"))


def _messages(hops: pd.DataFrame, computed: list[int], *, alone: bool) -> Iterator[list[int]]:
    """Rows of the hops of each message.

    Those of a path come one after another, with no computing between them, of which `computed` counts what came before
    each; where hops are ``alone`` there is no path.
    """
    message: list[int] = []
    last = (-1, -1, False)
    for row, *this in zip(hops.index.tolist(), hops["rank"].tolist(), computed, hops["cut"].tolist(), strict=True):
        rank, count, cut = this
        if message and (alone or count != last[1] or (rank <= last[0] and not last[2])):
            yield message
            message = []
        message.append(row)
        last = (rank, count, cut)
    if message:
        yield message


def _kind_of_use(kind: str, sender: str) -> str:
    if kind == "backhaul":
        return "edge_compute" if sender == "cloud" else "cloud_compute"
    return _USED_BY[kind]


def _any_in(instants_ns: NDArray[np.int64], after_ns: int, until_ns: int) -> bool:
    """Whether one of the instants, which are in order, lies in (after, until]."""
    return bool(np.searchsorted(instants_ns, after_ns, "right") < np.searchsorted(instants_ns, until_ns, "right"))
