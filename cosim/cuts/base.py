"""What a policy of cut layers is told, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Cuts = NDArray[np.int64]
Seconds = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fleet:
    """What is known of K clients when their cuts may move.

    Attributes:
        cuts: (K,) where they cut now.
        layers: (C,) all cut layers that there may be, shallow ones first.
        expected_s: (K, C) how long a round would take each of them there, by the cost model and the rates of now; None
            if not asked for.
        measured_s: (K,) how long their last round has taken, waiting included.
        scores: (K,) how well each one's own model did on held-out data, the higher the better; None if not asked for.
    """

    cuts: Cuts
    layers: Cuts
    expected_s: Seconds | None
    measured_s: Seconds
    scores: NDArray[np.float64] | None

    @property
    def times_s(self) -> Seconds:
        """``expected_s``, for whom has asked."""
        assert self.expected_s is not None
        return self.expected_s

    @property
    def expected_now_s(self) -> Seconds:
        """(K,) at the cuts of now."""
        return self.times_s[np.arange(len(self.cuts)), np.searchsorted(self.layers, self.cuts)]


class CutPolicy(Protocol):
    """Says where clients should cut. A policy belongs to one run, and may remember; limits are the scheme's affair."""

    scored: bool
    """Whether it decides by ``scores``, which cost the machine an evaluation of every client."""
    timed: bool
    """Whether it decides by ``expected_s``, for which costs of many shapes are measured."""

    def cuts(self, fleet: Fleet) -> Cuts:
        """The cut layers (K,) that are wanted; what a client cannot hold is cut down afterwards."""
        ...
