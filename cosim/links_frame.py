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
    interval_s, rows = run.scenario.radio.sampling, run.observer.rows
    import pandas as pd  # noqa: PLC0415

    coverage = run.world.coverage
    end_ns = to_ns(rows[-1]["sim_time_s"]) if rows and interval_s is not None else 0
    times_ns = np.arange(0, end_ns + 1, to_ns(interval_s or 1.0))
    gain = coverage.mean_gain(times_ns)
    sites_m = np.zeros((coverage.edges, 2)) if coverage.sites_m is None else coverage.sites_m
    edge, user, instant = (grid.ravel() for grid in np.indices(gain.shape))
    serving = _serving(run.world, times_ns)[user, instant]
    x_m, y_m = np.moveaxis(coverage.mobility.places_m(coverage.users, times_ns)[user, instant], -1, 0)
    frame = pd.DataFrame(
        {
            "time_s": times_ns[instant] / NS_PER_S,
            "user": user,
            "edge": edge,
            "serving": serving == edge,
            "x_m": x_m,
            "y_m": y_m,
            "edge_x_m": sites_m[edge, 0],
            "edge_y_m": sites_m[edge, 1],
            "signal_dbm": w_to_dbm(run.scenario.edges.power * gain.ravel()),
            "uplink_bps": coverage.steady_rates_bps("uplink", gain).ravel(),
            "downlink_bps": coverage.steady_rates_bps("downlink", gain).ravel(),
        }
    )
    if not coverage.in_one_plane or interval_s is None:
        frame = frame[frame["serving"]]
    return frame.sort_values(["time_s", "user", "edge"], ignore_index=True)


def _serving(world: World, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers (users, m) of the edge servers that serve the users at instants (m,)."""
    served = []
    for user in world.users:
        since_ns, edges = zip(*user.link.served, strict=True)
        place = np.searchsorted(since_ns, times_ns, side="right") - 1
        served.append(np.array([edge.index for edge in edges])[place])
    return np.stack(served)
