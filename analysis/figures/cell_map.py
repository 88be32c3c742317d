"""The cell map: where users and edge servers are, who serves whom, and at what rate."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from analysis.figures.canvas import Drawn, one_run
from analysis.figures.kinds import Map
from analysis.figures.style import SHADES
from analysis.load import Results
from analysis.result import Result

MOST_NAMED = 40
"""Users are named on the map up to so many."""

BITS_PER_MEGABIT = 1e6
_EDGE = "#D55E00"


def drawn(results: Results, wish: Map) -> Drawn:
    """The figure of `map_data`: one plane, or a small panel a cell where each edge server has a plane of its own."""
    result = one_run(results, wish.run)
    data = map_data(result, wish.rate)
    planes = [data] if in_one_plane(data) else [cell for _, cell in data.groupby("edge")]
    columns = min(len(planes), 2 if len(planes) in (2, 4) else 3)
    rows = math.ceil(len(planes) / columns)
    figure = Figure(figsize=_size_inches(planes, columns, rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=len(planes) > 1, sharey=len(planes) > 1).ravel()
    rates = data["rate_bps"] / BITS_PER_MEGABIT
    scale = Normalize(rates.min(), rates.max())
    for place, axes in enumerate(panels):
        if place >= len(planes):
            axes.set_visible(False)
            continue
        draw_map(axes, planes[place], scale, _radius_m(result), named=data["user"].nunique() <= MOST_NAMED)
        if len(planes) > 1:
            axes.set_title(f"Cell of edge server {planes[place]['edge'].iloc[0]}")
            axes.label_outer()
    bar = figure.colorbar(ScalarMappable(scale, SHADES), ax=list(panels), aspect=25)
    bar.set_label(f"{wish.rate.capitalize()} rate, if alone\nand before fading (Mbit/s)")
    bar.outline.set_visible(False)
    figure.legend(handles=_legend(_radius_m(result)), loc="outside lower center", ncols=4)
    return Drawn(figure, data)


def map_data(result: Result, rate: str = "uplink") -> pd.DataFrame:
    """The samples of each user's serving link: `time_s`, `user`, `edge`, places in metres, and `rate_bps`.

    There is one at the start, and more where the run sampled its links. Raises ValueError if there is none.
    """
    served = result.links[result.links["serving"] == True]  # noqa: E712 - empty tables hold no truths
    if served.empty:
        raise ValueError(f"{result.path}: no place of a user was recorded")
    columns = ["time_s", "user", "edge", "x_m", "y_m", "edge_x_m", "edge_y_m"]
    return served[columns].assign(rate_bps=served[f"{rate}_bps"]).reset_index(drop=True)


def in_one_plane(data: pd.DataFrame) -> bool:
    """Whether edge servers have places of their own, and not each the middle of a plane of its own."""
    sites = _sites(data)
    return len(sites) == 1 or bool(sites[["edge_x_m", "edge_y_m"]].to_numpy().any())


def draw_map(axes: Axes, data: pd.DataFrame, scale: Normalize, radius_m: float | None, *, named: bool) -> None:
    """Draw `map_data` of one plane: users as dots, or tracks where they moved, their colour the rate."""
    at_first = data["time_s"] == data["time_s"].min()
    _draw_edges(axes, _sites(data), radius_m)
    _draw_tracks(axes, data[~at_first], scale)
    _draw_users(axes, data[at_first], scale, named=named)
    axes.set_aspect("equal")
    axes.margins(0.06)
    axes.set_xlabel("East (m)")
    axes.set_ylabel("North (m)")


def _sites(data: pd.DataFrame) -> pd.DataFrame:
    """Columns `edge`, `edge_x_m` and `edge_y_m`: a row an edge server."""
    return data[["edge", "edge_x_m", "edge_y_m"]].drop_duplicates()


def _draw_edges(axes: Axes, sites: pd.DataFrame, radius_m: float | None) -> None:
    """Draw the edge servers, each with the circle in which users start, if there is one."""
    axes.plot(sites["edge_x_m"], sites["edge_y_m"], "^", color=_EDGE, markersize=10, markeredgecolor="white", zorder=4)
    if radius_m is None:
        return
    for east_m, north_m in sites[["edge_x_m", "edge_y_m"]].to_numpy().tolist():
        around = Circle((east_m, north_m), radius_m, fill=False, color="#999999", linestyle="--", linewidth=0.8)
        axes.add_patch(around)


def _draw_tracks(axes: Axes, later: pd.DataFrame, scale: Normalize) -> None:
    """Draw where users were after the start."""
    rate_mbps = later["rate_bps"] / BITS_PER_MEGABIT
    axes.scatter(later["x_m"], later["y_m"], 9, rate_mbps, cmap=SHADES, norm=scale, linewidth=0, zorder=2)


def _draw_users(axes: Axes, first: pd.DataFrame, scale: Normalize, *, named: bool) -> None:
    """Draw users where they start, each with a line to the edge server that serves it."""
    axes.scatter(
        first["x_m"],
        first["y_m"],
        46 if named else 22,
        first["rate_bps"] / BITS_PER_MEGABIT,
        cmap=SHADES,
        norm=scale,
        edgecolors="#333333",
        linewidth=0.7,
        zorder=3,
    )
    ends_m = (first[[f"{side}_m", f"edge_{side}_m"]].to_numpy().T for side in ("x", "y"))  # each (2, users)
    axes.plot(*ends_m, color="#BBBBBB", linewidth=0.7, zorder=1)
    for user, x_m, y_m in zip(first["user"], first["x_m"], first["y_m"], strict=True) if named else ():
        axes.annotate(str(user), (x_m, y_m), (5, 4), textcoords="offset points", fontsize="small", zorder=5)


def _legend(radius_m: float | None) -> list[Line2D]:
    """What the marks are."""
    edge = Line2D([], [], marker="^", linestyle="", color=_EDGE, markersize=9, markeredgecolor="white")
    user = Line2D([], [], marker="o", linestyle="", markerfacecolor="#BBBBBB", markeredgecolor="#333333")
    serves = Line2D([], [], color="#BBBBBB", linewidth=0.9)
    around = Line2D([], [], color="#999999", linestyle="--", linewidth=0.9)
    marks = {"Edge server": edge, "User, in the colour of its rate": user, "is served by": serves}
    if radius_m is not None:
        marks[f"{radius_m:g} m around"] = around
    for name, mark in marks.items():
        mark.set_label(name)
    return list(marks.values())


def _radius_m(result: Result) -> float | None:
    setting = result.settings.get("radio.cell_radius")
    return setting.value if setting is not None and isinstance(setting.value, float) else None


def _size_inches(planes: list[pd.DataFrame], columns: int, rows: int) -> tuple[float, float]:
    """One plane is as wide as high, unless its users and edge servers stand along a street."""
    if len(planes) > 1:
        return 1.3 + 3.2 * columns, 0.7 + 3.2 * rows
    wide, high = (
        max(planes[0][f"{side}_m"].max(), planes[0][f"edge_{side}_m"].max())
        - min(planes[0][f"{side}_m"].min(), planes[0][f"edge_{side}_m"].min())
        for side in ("x", "y")
    )
    return 8.0, min(7.0, max(3.0, 1.2 + 5.8 * high / max(wide, 1.0)))
