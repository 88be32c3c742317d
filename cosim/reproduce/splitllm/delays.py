"""Where time goes as users are added: rounds, the radio, and the queues at edge servers and cloud.

M edge servers and their cells stay as they are. In SplitLLM M users are active whatever N, so that a mini-batch takes
as long with many users as with few; in split-fed learning all N share the bands, the edge servers and the cloud. By the
number of mini-batches SplitLLM's rounds are the longer ones all the same: M users learn at once, and not N.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from cosim.allocation.problem import Array
from cosim.clock import NS_PER_S
from cosim.reproduce.curve import Curve
from cosim.reproduce.gpt2 import Gpt2Small
from cosim.reproduce.row import Row
from cosim.reproduce.splitllm.memory import PAPERS_EDGES, SPLITFED, SPLITLLM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cosim.runner import Run

THREE_PARTS = "splitfed-three"
SCHEMES = (SPLITLLM, SPLITFED, THREE_PARTS)


@dataclass(frozen=True, kw_only=True)
class Delays:
    """In seconds, means over rounds or over mini-batches; the queues are those before the servers' processors."""

    round_s: float
    share_s: float
    uplink_s: float
    edge_wait_s: float
    cloud_wait_s: float


TITLES = {
    "round_s": "round delay",
    "share_s": "round delay per mini-batch",
    "uplink_s": "uplink time of an activation",
    "edge_wait_s": "edge server queue per mini-batch",
    "cloud_wait_s": "cloud queue per mini-batch",
}


def measured(run: Run) -> Delays:
    """Of a run that is over; what users wait for while they have no part in a round is nobody's queue."""
    events = run.world.recorder.activities.columns()
    seconds = (events["end_ns"] - events["start_ns"]) / NS_PER_S
    batches = run.observer.rows[-1]["samples"] / run.world.batch_size
    uplinks = (events["kind"] == "uplink") & (events["activation_bytes"] > 0)
    return Delays(
        round_s=run.observer.ended_s / run.observer.ended_round,
        share_s=run.observer.ended_s / batches,
        uplink_s=float(seconds[uplinks].mean()),
        edge_wait_s=float(seconds[_queued(events, lambda node: node.startswith("edge"))].sum()) / batches,
        cloud_wait_s=float(seconds[_queued(events, lambda node: node == run.world.cloud.name)].sum()) / batches,
    )


def _queued(events: dict[str, NDArray[Any]], at: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Activities that are waiting for a processor ``at`` such a node, in the story of a user."""
    busy = {node: f"{node} busy" for node in set(events["node"].tolist()) if at(node)}
    reasons = np.isin(events["reason"].astype(str), list(busy.values()))
    return reasons & (events["user"] >= 0)


def against_users(world: Gpt2Small, users: Sequence[int], seeds: Sequence[int]) -> list[Curve]:
    """The mean ``Delays`` over ``seeds`` of each scheme for so many users, a curve a field."""
    found = {
        scheme: np.mean([[_fields(world, scheme, count, seed) for count in users] for seed in seeds], axis=0)
        for scheme in SCHEMES
    }
    return [
        Curve(
            quantity="users",
            unit="",
            values=np.array(users, dtype=float),
            delay_s={scheme: means[:, place] for scheme, means in found.items()},
            measured=TITLES[field.name],
        )
        for place, field in enumerate(fields(Delays))
    ]


def _fields(world: Gpt2Small, scheme: str, users: int, seed: int) -> list[float]:
    run = world.run(scheme, [f"users.count={users}", f"edges.count={PAPERS_EDGES}", f"seed={seed}"])
    delays = measured(run)
    return [getattr(delays, field.name) for field in fields(Delays)]


def rows(curves: Sequence[Curve]) -> list[Row]:
    """How many times as long split-fed learning takes as SplitLLM, at the most users. No paper has such numbers."""
    users = int(curves[0].values[-1])
    return [
        Row(group=f"split-fed learning's delays over SplitLLM's, N={users}, M={PAPERS_EDGES}", name=curve.measured,
            ours=_last(curve.delay_s[SPLITFED]) / _last(curve.delay_s[SPLITLLM]), unit="times", known="ours")
        for curve in curves
        if _last(curve.delay_s[SPLITLLM]) > 0
    ]  # fmt: skip


def _last(values: Array) -> float:
    return float(values[-1])
