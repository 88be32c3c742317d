"""The tables of a run, as its folder has them; each ends with the last round that ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cosim.clock import NS_PER_S, to_ns, to_s
from cosim.memory import MEMORY_KINDS
from cosim.recorder import PAYLOADS

if TYPE_CHECKING:
    from cosim.runner import Run


def rounds_frame(run: Run) -> pd.DataFrame:
    """One row a round: what it has learned, and what it has cost since the start."""
    return pd.DataFrame(run.observer.rows)


def events_frame(run: Run) -> pd.DataFrame:
    """One row an activity of a finished round, in order of start."""
    frame = pd.DataFrame(run.world.recorder.activities.columns())
    frame = frame[frame["round"] <= run.observer.ended_round]
    frame.insert(0, "start_s", frame.pop("start_ns").map(to_s))
    frame.insert(1, "end_s", frame.pop("end_ns").map(to_s))
    frame["bytes"] = frame[list(PAYLOADS)].sum(axis=1)
    return frame.sort_values(["start_s", "end_s"], kind="stable", ignore_index=True)


def memory_frame(run: Run) -> pd.DataFrame:
    """Peak bytes of every node by kind, and in total, until that end, and what memory it has; NaN is no limit."""
    nodes, ledger = run.world.nodes, run.world.ledger
    peaks = ledger.peaks(to_ns(run.observer.ended_s))
    places = {name: place for place, name in enumerate(ledger.nodes)}
    rows = [places[node.name] for node in nodes]
    return pd.DataFrame(
        {
            "node": [node.name for node in nodes for _ in peaks],
            "role": [node.role for node in nodes for _ in peaks],
            "kind": [*peaks] * len(nodes),
            "peak_bytes": np.stack([peaks[kind][rows] for kind in peaks], axis=1).ravel(),
            "limit_bytes": np.repeat(np.array([node.memory_bytes for node in nodes], dtype=float), len(peaks)),
        }
    )


def held_frame(run: Run) -> pd.DataFrame:
    """One row a change of the bytes of a kind that a node holds, in order of time."""
    changes, ledger = run.world.ledger.changes(to_ns(run.observer.ended_s)), run.world.ledger
    return pd.DataFrame(
        {
            "time_s": changes["instant_ns"] / NS_PER_S,
            "node": np.array(ledger.nodes, dtype=object)[changes["node"]],
            "kind": np.array(MEMORY_KINDS, dtype=object)[changes["kind"]],
            "bytes": changes["bytes"],
        }
    )
