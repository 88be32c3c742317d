"""Who hears whom: the links between every user and every edge server of a scenario."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from channel_models.decibels import linear_to_db
from channel_models.drift import Drifting, Track
from channel_models.fading import Fading, NoFading
from channel_models.links import RadioLinks
from channel_models.mobility import ONE_SITE
from channel_models.randomness import Stream
from channel_models.reach import Reach
from channel_models.recent_places import RecentPlaces
from cosim.radio import Direction, fading, large_scale, mobility, rate, sites_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cosim.scenario.models import Scenario


class Coverage:
    """The gain of every user to every edge server, and where users go.

    In the layout ``separate`` there is nothing but the link of each user to its own edge server: what is said there of
    another's links is said of these. Elsewhere all stand in one plane, and each edge server has links to all users.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.users = np.arange(scenario.users.count)
        self.edges = scenario.edges.count
        self.sites_m = sites_m(scenario.radio, self.edges)
        places = ONE_SITE if self.sites_m is None else tuple((x, y) for x, y in self.sites_m.tolist())
        self.mobility = RecentPlaces(mobility(scenario.radio, scenario.seed, scenario.users.count, places))

    @property
    def in_one_plane(self) -> bool:
        """Whether a user has links to other edge servers than its own."""
        return self.sites_m is not None

    @cached_property
    def reaches(self) -> list[Reach]:
        """What each edge server's links are made of; one and the same for all if their planes are apart."""
        radio, seed = self._scenario.radio, self._scenario.seed
        if self.sites_m is None:
            own = large_scale(radio, seed, self.users % self.edges)
            return [Reach(large_scale=own, mobility=self.mobility)] * self.edges
        return [
            Reach(
                large_scale=large_scale(radio, seed, np.full_like(self.users, edge), draw=edge),
                mobility=self.mobility,
                mast_m=(x, y),
            )
            for edge, (x, y) in enumerate(self.sites_m.tolist())
        ]

    @cached_property
    def start_gain(self) -> NDArray[np.float64]:
        """Mean gains (edges, users) when all begins: path loss, walls, shadowing."""
        start_ns = np.zeros(1, dtype=np.int64)
        distinct = self.reaches if self.in_one_plane else self.reaches[:1]
        gains = np.stack([reach.mean_gain(self.users, start_ns)[:, 0] for reach in distinct])
        return np.broadcast_to(gains, (self.edges, len(self.users)))

    @cached_property
    def nearest(self) -> NDArray[np.int64]:
        """The edge server (users,) that each user is attached to at first: the strongest, of equals the first."""
        return self.start_gain.argmax(axis=0) if self.in_one_plane else self.users % self.edges

    @cached_property
    def tracks(self) -> list[Track] | None:
        """How the links of each edge server drift; None if nobody moves."""
        if not self.mobility.top_speed_mps > 0.0:
            return None
        if not self.in_one_plane:
            return [Track(reach=self.reaches[0], start=self.start_gain[0])] * self.edges
        return [Track(reach=reach, start=gain) for reach, gain in zip(self.reaches, self.start_gain, strict=True)]

    def mean_gain(self, times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean gains (edges, users, m) at instants (m,) in rising order, as links have them."""
        start = self.start_gain[:, :, None]
        if self.tracks is None:
            return np.broadcast_to(start, (*start.shape[:2], len(times_ns)))
        drifts = [track.gain_at(self.users, times_ns) for track in self.tracks]
        return start * np.stack(drifts)

    def signal_db(self, times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """The same in decibels."""
        return linear_to_db(self.mean_gain(times_ns))

    def links(self, direction: Direction) -> list[RadioLinks]:
        """The links of each edge server to all users, one way; one and the same if their planes are apart."""
        if not self.in_one_plane:
            return [self._links(direction, self.start_gain[0], self._fading(0, f"{direction} fading"))] * self.edges
        return [
            self._links(direction, gain, self._fading(edge, f"{direction} fading edge{edge}"))
            for edge, gain in enumerate(self.start_gain)
        ]

    def steady_rates_bps(self, direction: Direction, gain: NDArray[np.float64]) -> NDArray[np.float64]:
        """The rates (...) that a transfer alone in its cell has at each ``gain`` (...), without fading."""
        links = self._links(direction, gain.ravel(), NoFading(block_ns=1))
        every = np.arange(gain.size)
        return links.rates_bps(every, self._scenario.radio.bandwidth, 1.0, 0, 1).reshape(gain.shape)

    def _fading(self, edge: int, draws: str) -> Fading:
        wavering = fading(self._scenario.radio, Stream(self._scenario.seed, draws))
        return wavering if self.tracks is None else Drifting(fading=wavering, track=self.tracks[edge])

    def _links(self, direction: Direction, gain: NDArray[np.float64], wavering: Fading) -> RadioLinks:
        scenario, upward = self._scenario, direction == "uplink"
        sender, radio = scenario.users if upward else scenario.edges, scenario.radio
        return RadioLinks(
            mean_gain=gain,
            transmit_power_w=np.full(len(gain), sender.power),
            noise_figure_db=radio.edge_noise_figure if upward else radio.user_noise_figure,
            rate=rate(radio, direction),
            fading=wavering,
        )
