"""What a policy of cut layers is told, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Cuts = NDArray[np.int64]
Seconds = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecast:
    """How long a round would take K clients at each of C cut layers, by the cost model and the rates of now.

    Attributes:
        own_s: (K, C) of a client's computing and messages.
        server_s: (K, C) of computing for it at its main server.
        servers: (K,) the main server of each, numbered from 0.
        processors: (M,) how many mini-batches each server works on at a time.
    """

    own_s: Seconds
    server_s: Seconds
    servers: NDArray[np.int64]
    processors: NDArray[np.int64]

    @property
    def alone_s(self) -> Seconds:
        """(K, C) of a client that never waits for others."""
        return self.own_s + self.server_s

    @property
    def times_s(self) -> Seconds:
        """(K, C) of a client whose every turn at the server waits for a turn of each of those that share a processor
        with it."""
        sharing = np.maximum(1.0, np.bincount(self.servers, minlength=len(self.processors)) / self.processors)
        return self.own_s + sharing[self.servers, None] * self.server_s

    def busy_s(self, places: NDArray[np.int64]) -> Seconds:
        """(M,) how long servers are busy in a round if clients cut at these ``places`` (K,) of the C layers."""
        asked_s = self.server_s[np.arange(len(places)), places]
        found: Seconds = np.bincount(self.servers, asked_s, minlength=len(self.processors)) / self.processors
        return found


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
    def times_s(self) -> Seconds:
        """(K, C) that each would take there, as the forecast has it."""
        return self.expected.times_s

    @property
    def times_now_s(self) -> Seconds:
        """(K,) at the cuts of now."""
        return self.times_s[np.arange(len(self.cuts)), np.searchsorted(self.layers, self.cuts)]


class CutPolicy(Protocol):
    """Says where clients should cut. A policy belongs to one run, and may remember; limits are the scheme's affair."""

    scored: bool
    """Whether it decides by ``scores``, which cost the machine an evaluation of every client."""
    timed: bool
    """Whether it decides by ``forecast``, for which costs of many shapes are measured."""

    def cuts(self, fleet: Fleet) -> Cuts:
        """The cut layers (K,) that are wanted; what a client cannot hold is cut down afterwards."""
        ...
