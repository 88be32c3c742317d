"""Gains of users who move: as the mean drifts with the place, fading goes on about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from channel_models.fading import Fading
from channel_models.reach import Reach
from channel_models.recent_gains import RecentGains

GRAIN_M = 1.0
"""Path loss and shadowing are worked out at every metre of the fastest user's way, and joined by straight lines."""

_NS_PER_S = 1e9


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """Mean gains of moving users at equal steps of time, over those at time zero, `start` (n,) of all links.

    Blocks of fading, in both directions of a link, look at the same few steps again and again: `recent` keeps them.
    ValueError if nobody moves: then the gain at time zero is all there is.
    """

    reach: Reach
    start: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not self.reach.mobility.top_speed_mps > 0.0:
            raise ValueError("mobility must have users who move")

    @cached_property
    def block_ns(self) -> int:
        """Length of a step: what the fastest user needs for a metre."""
        return max(1, int(GRAIN_M / self.reach.mobility.top_speed_mps * _NS_PER_S))

    @cached_property
    def recent(self) -> RecentGains:
        """These gains, with what was worked out of late kept."""
        return RecentGains(self, len(self.start))

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """Gains (n, blocks) of links (n,) at the beginnings of the steps, over that at time zero."""
        times_ns = np.arange(first_block, first_block + blocks) * self.block_ns
        return self.reach.mean_gain(links, times_ns) / self.start[links, None]

    def gain_at(self, links: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Gains (n, m) of links (n,) at instants (m,) in rising order, on the straight lines between the steps."""
        step, rest_ns = np.divmod(times_ns, self.block_ns)
        first, last = int(step[0]), int(step[-1])
        known = self.recent.power_gain(links, first, last - first + 2)
        share = rest_ns / self.block_ns
        between: NDArray[np.float64] = known[:, step - first] * (1.0 - share) + known[:, step - first + 1] * share
        return between


@dataclass(frozen=True, kw_only=True, eq=False)
class Drifting:
    """Fading about a mean that drifts: power gains over the mean gain at time zero, block by block.

    A gain is that of the middle of the block.
    """

    fading: Fading
    track: Track

    @property
    def block_ns(self) -> int:
        """See `Fading.block_ns`."""
        return self.fading.block_ns

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """See `Fading.power_gain`; the mean over time is one only for those who stay."""
        middle_ns = np.arange(first_block, first_block + blocks) * self.block_ns + self.block_ns // 2
        return self.track.gain_at(links, middle_ns) * self.fading.power_gain(links, first_block, blocks)
