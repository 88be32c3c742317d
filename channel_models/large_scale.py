"""What a place costs: path loss, line of sight, walls and shadowing of links, as a function of where users are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from channel_models.field import Field
from channel_models.geometry import Geometry, Lengths, distance_m
from channel_models.pathloss import PathLoss
from channel_models.penetration import Penetration, depth_m
from channel_models.randomness import Stream
from channel_models.shadowing import Shadowing, State


@dataclass(frozen=True, kw_only=True, eq=False)
class LargeScale:
    """Loss of links between sites (masts) and places, before fading: the same whenever it is asked for.

    Link u belongs to user u; its mast is site `sites[u]`, at the origin of the places given. A user with links to
    several sites has a model for each: what chance does to the user (indoors, how deep, behind which wall) is the same
    in all, what it does to the surroundings of a link is another `draw` in each. Whether a place is in sight of its
    site is a function of place too: users a few metres apart agree (TR 38.901 section 7.6.3.3), and each place is in
    sight with the probability of the path loss model. `indoor_share` of the users are inside buildings, for good; then
    line of sight counts to the wall. Shadowing has `sigma_db`, or what the path loss model says if that is null.
    ValueError if users are to be indoors in a model that has no buildings, or a number is out of
    range.
    """

    seed: int
    pathloss: PathLoss
    shadowing: Shadowing
    sites: NDArray[np.int64]
    draw: int = 0
    user_height_m: float = 1.5
    base_height_m: float | None = None
    sigma_db: float | None = None
    indoor_share: float = 0.0
    penetration: Penetration | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.indoor_share <= 1.0:
            raise ValueError(f"indoor_share must lie between 0 and 1, got {self.indoor_share}")
        if self.sigma_db is not None and not self.sigma_db >= 0.0:
            raise ValueError(f"sigma_db must not be negative, got {self.sigma_db}")
        if self.indoor_share and self.penetration is None:
            raise ValueError("penetration must be given for users indoors")
        if self.indoor_share and self.pathloss.environment.indoor_depth_m is None:
            raise ValueError(f"indoor_share must be 0 with {type(self.pathloss).__name__}, which has no buildings")

    def loss_db(self, links: NDArray[np.int64], places_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Loss in dB (n,) of `links` (n,) to users at `places_m` (n, 2) relative to their masts."""
        inside_m = self._inside_m(links)
        geometry = self._geometry(links, _from_mast_m(places_m))
        in_sight = self.in_sight(links, places_m)
        states = np.where(inside_m >= 0.0, State.INDOORS, np.where(in_sight, State.IN_SIGHT, State.HIDDEN))
        shadow = self.shadowing.normal(links, self.sites[links], places_m, states)
        loss = self.pathloss.loss_db(geometry, in_sight) + self._sigma_db(geometry, in_sight, states) * shadow
        if self.penetration is not None:
            walls = inside_m >= 0.0
            loss[walls] += self.penetration.loss_db(self._stream("wall"), links[walls], inside_m[walls])
        return loss

    def in_sight(self, links: NDArray[np.int64], places_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether user (or, indoors, its outer wall) and mast see each other (n,)."""
        outside_m = _from_mast_m(places_m) - np.maximum(self._inside_m(links), 0.0)
        probability = self.pathloss.sight_probability(self._geometry(links, np.maximum(outside_m, 0.0)))
        seen = probability >= 1.0
        doubtful = np.flatnonzero((probability > 0.0) & ~seen)
        drawn = self._sight.uniform(self.sites[links[doubtful]], places_m[doubtful])
        seen[doubtful] = drawn < probability[doubtful]
        return seen

    def _sigma_db(self, geometry: Geometry, in_sight: NDArray[np.bool_], states: NDArray[np.int64]) -> Lengths:
        if self.sigma_db is not None:
            return self.sigma_db
        indoors_db = self.pathloss.environment.indoor_sigma_db
        return np.where(states == State.INDOORS, indoors_db, self.pathloss.sigma_db(geometry, in_sight))

    def _geometry(self, links: NDArray[np.int64], distance_2d_m: NDArray[np.float64]) -> Geometry:
        own, theirs = self.base_height_m, self.pathloss.environment.base_height_m
        return Geometry(
            distance_2d_m=distance_2d_m,
            base_height_m=theirs if own is None else own,
            user_height_m=self.user_height_m,
            chance=self._stream("surroundings").uniform(links, self.draw),
        )

    def _inside_m(self, links: NDArray[np.int64]) -> NDArray[np.float64]:
        """Depth of each user inside its building, -1 for those outdoors."""
        greatest_m = self.pathloss.environment.indoor_depth_m
        if not self.indoor_share or greatest_m is None:
            return np.full(len(links), -1.0)
        indoors = self._stream("indoors").uniform(links, 0) < self.indoor_share
        return np.where(indoors, depth_m(self._stream("depth"), links, greatest_m), -1.0)

    @cached_property
    def _sight(self) -> Field:
        # the uniform numbers of a field decorrelate twice as fast as its normal ones
        decorrelation_m = 2.0 * self.pathloss.environment.sight_decorrelation_m
        return Field(stream=self._stream("line of sight"), decorrelation_m=decorrelation_m)

    def _stream(self, purpose: str) -> Stream:
        return Stream(self.seed, purpose)


def _from_mast_m(places_m: NDArray[np.float64]) -> NDArray[np.float64]:
    return distance_m(places_m, np.zeros(2))
