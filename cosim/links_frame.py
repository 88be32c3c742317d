"""Where users were, and how well edge servers reached them, sampled over a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from channel_models.decibels import w_to_dbm
from cosim.clock import NS_PER_S, to_ns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from cosim.runner import Run
    from cosim.world import World


def links_frame(run: Run) -> pd.DataFrame:
    """One row a sample of a link: when, whose, to which edge server, where both are, its signal and rates.

    The signal is what the user receives of the edge server's whole power, the rates are those of a transfer alone in
    the cell, all before fading. Places are relative to the own edge server where each has a plane of its own, and then
    there are only the links to that. Unless the scenario names a ``radio.sampling``, there is one sample of each user's
    own link, at the start.
    """
    interval_s = run.scenario.radio.sampling
    import pandas as pd  # noqa: PLC0415

    coverage = run.world.coverage
    end_ns = 0 if interval_s is None else to_ns(run.observer.ended_s)
    times_ns = np.arange(0, end_ns + 1, to_ns(interval_s or 1.0))
    gain = coverage.mean_gain(times_ns)
    sites_m = np.zeros((coverage.edges, 2)) if coverage.sites_m is None else coverage.sites_m
    serving = _serving(run.world, times_ns)
    edge, user, instant = _links(serving, coverage.edges if coverage.in_one_plane and interval_s is not None else None)
    gain = gain[edge, user, instant]
    x_m, y_m = np.moveaxis(coverage.mobility.places_m(coverage.users, times_ns)[user, instant], -1, 0)
    frame = pd.DataFrame(
        {
            "time_s": times_ns[instant] / NS_PER_S,
            "user": user,
            "edge": edge,
            "serving": serving[user, instant] == edge,
            "x_m": x_m,
            "y_m": y_m,
            "edge_x_m": sites_m[edge, 0],
            "edge_y_m": sites_m[edge, 1],
            "signal_dbm": w_to_dbm(run.scenario.edges.power * gain),
            "uplink_bps": coverage.steady_rates_bps("uplink", gain),
            "downlink_bps": coverage.steady_rates_bps("downlink", gain),
        }
    )
    return frame.sort_values(["time_s", "user", "edge"], ignore_index=True)


def _links(serving: NDArray[np.int64], edges: int | None) -> tuple[NDArray[np.int64], ...]:
    """Edge server, user and instant (n,) of the links to all ``edges``, or else to those ``serving`` (users, m)."""
    if edges is not None:
        return tuple(grid.ravel() for grid in np.indices((edges, *serving.shape)))
    user, instant = (grid.ravel() for grid in np.indices(serving.shape))
    return serving[user, instant], user, instant


def _serving(world: World, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers (users, m) of the edge servers that serve the users at instants (m,)."""
    served = []
    for user in world.users:
        since_ns, edges = zip(*user.link.served, strict=True)
        place = np.searchsorted(since_ns, times_ns, side="right") - 1
        served.append(np.array([edge.index for edge in edges])[place])
    return np.stack(served)
