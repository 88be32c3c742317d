"""Where sites stand: the masts of edge servers, in one plane or each apart from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Layout(Protocol):
    """Places of sites."""

    def sites_m(self, count: int) -> NDArray[np.float64] | None:
        """Places (count, 2) of so many sites in one plane, or null if each stands in a plane of its own."""
        ...


@dataclass(frozen=True, kw_only=True)
class Separate:
    """Every site has a plane and users of its own, and no other cell is ever heard there."""

    def sites_m(self, count: int) -> NDArray[np.float64] | None:
        """See `Layout.sites_m`."""
        return None


@dataclass(frozen=True, kw_only=True)
class Line:
    """Along a street: sites one after another on the x axis, the first at the origin. ValueError at no distance."""

    site_distance_m: float

    def __post_init__(self) -> None:
        _require_distance(self.site_distance_m)

    def sites_m(self, count: int) -> NDArray[np.float64] | None:
        """See `Layout.sites_m`."""
        return np.stack([np.arange(count) * self.site_distance_m, np.zeros(count)], axis=-1)


@dataclass(frozen=True, kw_only=True)
class Hexagonal:
    """The hexagonal grid: a site at the origin, and rings of 6, 12, 18, ... sites about it, begun on the x axis.

    Neighbours are `site_distance_m` apart; ValueError at no distance.
    """

    site_distance_m: float

    def __post_init__(self) -> None:
        _require_distance(self.site_distance_m)

    def sites_m(self, count: int) -> NDArray[np.float64] | None:
        """See `Layout.sites_m`."""
        places, ring = [np.zeros((1, 2))], 0
        while sum(map(len, places)) < count:
            ring += 1
            places.append(_ring(ring))
        return np.concatenate(places)[:count] * self.site_distance_m


@dataclass(frozen=True, kw_only=True)
class Places:
    """Sites at given places: a list of pairs, x and y. ValueError if a place is no pair, or their number is another."""

    places_m: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if any(len(place) != 2 for place in self.places_m):
            raise ValueError("places must be pairs, x and y, such as [[0 m, 0 m], [400 m, 0 m]]")

    def sites_m(self, count: int) -> NDArray[np.float64] | None:
        """See `Layout.sites_m`."""
        if len(self.places_m) != count:
            raise ValueError(f"places has {len(self.places_m)} sites for {count} edge servers (edges.count)")
        return np.array(self.places_m)


def _ring(number: int) -> NDArray[np.float64]:
    """The sites (6 * number, 2) of one ring of a grid of unit distance: its corners, and those between them."""
    corner = np.exp(1j * np.pi / 3.0 * np.arange(7)) * number
    along = np.arange(number)[None, :] / number
    sites = (corner[:-1, None] + along * (corner[1:] - corner[:-1])[:, None]).ravel()
    return np.stack([sites.real, sites.imag], axis=-1)


def _require_distance(distance_m: float) -> None:
    if not 0.0 < distance_m < np.inf:
        raise ValueError(f"site_distance must be positive, got {distance_m:g} m")
