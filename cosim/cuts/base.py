"""What a policy of cut layers is told, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.cuts.forecast import Forecast, Indices, Seconds

Cuts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fleet:
    """What is known of K clients when their cuts may move.

    Attributes:
        cuts: (K,) where they cut now.
        layers: (C,) all cut layers that there may be, shallow ones first.
        forecast: how long a round would take each of them there; None if not asked for.
        measured_s: (K,) how long their last round has taken, waiting included.
        scores: (K,) how well each one's own model did on held-out data, the higher the better; None if not asked for.
    """

    cuts: Cuts
    layers: Cuts
    forecast: Forecast | None
    measured_s: Seconds
    scores: NDArray[np.float64] | None

    @property
    def expected(self) -> Forecast:
        """``forecast``, for whom has asked."""
        assert self.forecast is not None
        return self.forecast

    @property
    def places(self) -> Indices:
        """(K,) which of ``layers`` are the cuts of now."""
        return np.searchsorted(self.layers, self.cuts)

    @property
    def times_s(self) -> Seconds:
        """(K, C) what each would take there if the others stayed where they are."""
        return self.expected.each_s(self.places)

    @property
    def times_now_s(self) -> Seconds:
        """(K,) at the cuts of now."""
        return self.expected.times_s(self.places)


class CutPolicy(Protocol):
    """Says where clients should cut. A policy belongs to one run, and may remember; limits are the scheme's affair."""

    scored: bool
    """Whether it decides by ``scores``, which cost the machine an evaluation of every client."""
    timed: bool
    """Whether it decides by ``forecast``, for which costs of many shapes are measured."""

    def cuts(self, fleet: Fleet) -> Cuts:
        """The cut layers (K,) that are wanted; what a client cannot hold is cut down afterwards."""
        ...
