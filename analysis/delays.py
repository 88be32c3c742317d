"""Where a user's time goes, derived from the event record and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

RADIO = ("uplink", "downlink")
"""Kinds of delay between a user and its edge server."""

LINKS = (*RADIO, "backhaul")
"""Kinds of delay of all that is sent."""

KINDS = ("user_compute", "edge_compute", "cloud_compute", *LINKS, "waiting")
"""Kinds of delay, in the order tables and figures show them."""

HAPPENINGS = ("handover", "outage", "absence", "deadline", "dropout", "crash", "drop")
"""Kinds of events that are no delay, but what befell a user or an edge server."""

EVERYBODY = -1
"""The `user` of an event that delays every user."""

NOBODY = -2
"""The `user` of an event beside the users' path, which delays none of them."""


def mean_delay_s(events: pd.DataFrame) -> pd.Series[float]:
    """Seconds per kind of delay, averaged over users; indexed by `KINDS`.

    An event of one user counts for that user, an event of `EVERYBODY` once for each, an event of `NOBODY` for none;
    users are those with events of their own. Raises ValueError for a kind that is not in `KINDS` or `HAPPENINGS`.
    """
    require_known_kinds(events)
    delaying = felt(events)
    duration_s = delaying["end_s"] - delaying["start_s"]
    common = delaying["user"] == EVERYBODY
    users = max(1, delaying.loc[~common, "user"].nunique())
    share_s = duration_s.where(common, duration_s / users)
    return share_s.groupby(delaying["kind"]).sum().reindex(list(KINDS), fill_value=0.0)


def felt(events: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``events`` that delay somebody: a user, or `EVERYBODY`."""
    return events[(events["user"] != NOBODY) & events["kind"].isin(KINDS)]


def require_known_kinds(events: pd.DataFrame) -> None:
    """Raises ValueError for a kind that is not in `KINDS` or `HAPPENINGS`."""
    if unknown := sorted(set(events["kind"]) - {*KINDS, *HAPPENINGS}):
        raise ValueError(f"events: unknown kind {unknown[0]!r}; known are {', '.join((*KINDS, *HAPPENINGS))}")
