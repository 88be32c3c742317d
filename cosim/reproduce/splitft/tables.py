"""Tables I and II of SplitFT: traffic and time against the cut layer and the rank at the cut, of simulated rounds.

The traffic that the paper reports decodes into client-side adapters, up and down, and a constant, the smashed data and
their gradients. Adapters come out right for 15 rounds of 5 clients, whatever else is unknown; the number of
mini-batches, which the paper does not give, is the one number that is fitted, to all ten entries at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cosim.reproduce.curve import Curve
from cosim.reproduce.row import Row
from training.payloads import SCALAR_BYTES

if TYPE_CHECKING:
    from cosim.reproduce.gpt2 import Gpt2Small
    from cosim.runner import Run

SCHEME = "fixed"
ROUNDS = 15
"""Derived from the slope of the paper's traffic, 1.8432 MB for each rank of a block."""
RANK = 16
PAPER_MB = {
    (2, 8): 3475.4, (4, 8): 3534.4, (6, 8): 3593.4, (8, 8): 3652.4, (10, 8): 3711.4,
    (2, 1): 3462.5, (2, 2): 3464.3, (2, 4): 3468.0, (2, 16): 3490.1,
}  # fmt: skip
"""By cut and rank at the cut, second-hand; the last one the paper calls "no cut". (2, 8) stands in both tables."""
PAPER_S = {2: 810.4, 4: 863.2, 6: 934.2, 8: 1113.4, 10: 1104.7}
"""By cut, second-hand; on devices that are not known."""
TOLERANCE_MB = 0.5
_MEGA = 1e6


@dataclass(frozen=True, kw_only=True)
class Point:
    """One simulated round: megabytes over the air of adapters, and of smashed data both ways a mini-batch; seconds."""

    cut: int
    cut_rank: int
    adapters_mb: float
    batch_mb: float
    round_s: float
    trainable: int


def points(world: Gpt2Small) -> list[Point]:
    """Of all entries of both tables."""
    return [_point(world.run(SCHEME, _overrides(cut, rank)), cut, rank) for cut, rank in PAPER_MB]


def _overrides(cut: int, rank: int) -> list[str]:
    return [f"scheme.cut={cut}", f"scheme.cut_rank={rank}"]


def _point(run: Run, cut: int, rank: int) -> Point:
    events = run.world.recorder.activities.columns()
    on_air = np.isin(events["kind"].astype(str), ["uplink", "downlink"])

    def megabytes(*payloads: str) -> float:
        return sum(float(events[f"{payload}_bytes"][on_air].sum()) for payload in payloads) / _MEGA

    batches = run.observer.rows[-1]["samples"] / run.world.batch_size
    adapter_bytes = run.world.users[0].memory.peaks()["adapter"]
    return Point(
        cut=cut,
        cut_rank=rank,
        adapters_mb=megabytes("adapter"),
        batch_mb=megabytes("activation", "gradient", "label") / batches,
        round_s=run.observer.ended_s,
        trainable=adapter_bytes // SCALAR_BYTES,
    )


def batches_fitted(found: Sequence[Point]) -> float:
    """How many mini-batches make the paper's traffic of ours, by least squares."""
    rest = [PAPER_MB[point.cut, point.cut_rank] - ROUNDS * point.adapters_mb for point in found]
    each = [point.batch_mb for point in found]
    return float(np.dot(rest, each) / np.dot(each, each))


def traffic_mb(point: Point, batches: float) -> float:
    """Of the paper's whole training, in so many mini-batches of all clients together."""
    return ROUNDS * point.adapters_mb + batches * point.batch_mb


def rows(found: Sequence[Point]) -> list[Row]:
    """All entries of both tables, and how time goes with the cut."""
    batches = batches_fitted(found)
    traffic = [
        Row(
            group=f"SplitFT's tables: traffic, {ROUNDS} rounds of 5 clients, {batches:.1f} mini-batches (fitted)",
            name=f"cut {point.cut}, rank {point.cut_rank} there",
            ours=traffic_mb(point, batches),
            paper=PAPER_MB[point.cut, point.cut_rank],
            unit="MB",
            known="second-hand",
            tolerance=TOLERANCE_MB,
            why="one number of mini-batches for all entries",
        )
        for point in found
    ]
    at_full = [point for point in found if point.cut_rank == 8]
    first = next(point for point in at_full if point.cut == 2)
    times = [
        Row(group="time of a round over that at cut 2", name=f"cut {point.cut}", ours=point.round_s / first.round_s,
            paper=PAPER_S[point.cut] / PAPER_S[2], unit="times", known="second-hand",
            why="of the devices only the number is known; with ours the client's blocks take more of the time or less")
        for point in at_full
        if point.cut != 2
    ]  # fmt: skip
    trainable = [
        Row(group="parameters that a client trains", name=f"cut {point.cut}, rank {point.cut_rank} there",
            ours=float(point.trainable), expected=float(_trainable(point)), unit="", known="derived", tolerance=0.0,
            why="4 H numbers a block and rank of a fused attention matrix")
        for point in found
    ]  # fmt: skip
    return [*traffic, *times, *trainable]


_HIDDEN = 768


def _trainable(point: Point) -> int:
    return 4 * _HIDDEN * (RANK * (point.cut - 1) + point.cut_rank)


def curves(found: Sequence[Point]) -> list[Curve]:
    """Time of a round against the cut, and against the rank at the cut."""
    by_cut = [point for point in found if point.cut_rank == 8]
    by_rank = sorted((point for point in found if point.cut == 2), key=lambda point: point.cut_rank)
    return [
        Curve(quantity="cut layer", unit="", values=np.array([float(point.cut) for point in by_cut]),
              delay_s={"SplitFT": np.array([point.round_s for point in by_cut])}, measured="round delay"),
        Curve(quantity="rank at the cut", unit="", values=np.array([float(point.cut_rank) for point in by_rank]),
              delay_s={"SplitFT": np.array([point.round_s for point in by_rank])}, measured="round delay"),
    ]  # fmt: skip
