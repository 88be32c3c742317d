"""Where a user's time goes, derived from the event record and nothing else."""

import pandas as pd

KINDS = ("user_compute", "edge_compute", "cloud_compute", "uplink", "downlink", "backhaul", "waiting")
"""Kinds of delay, in the order tables and figures show them."""

EVERYBODY = -1
"""The `user` of an event that delays every user."""


def mean_delay_s(events: pd.DataFrame) -> "pd.Series[float]":
    """Seconds per kind of delay, averaged over users; indexed by `KINDS`.

    An event of one user counts for that user, an event of `EVERYBODY` once for each; users are those with events of
    their own. Raises ValueError for a kind that is not in `KINDS`.
    """
    if unknown := sorted(set(events["kind"]) - set(KINDS)):
        raise ValueError(f"events: unknown kind {unknown[0]!r}; known are {', '.join(KINDS)}")
    duration_s = events["end_s"] - events["start_s"]
    common = events["user"] == EVERYBODY
    users = max(1, events.loc[~common, "user"].nunique())
    share_s = duration_s.where(common, duration_s / users)
    return share_s.groupby(events["kind"]).sum().reindex(list(KINDS), fill_value=0.0)
