"""What nodes hold in memory over simulated time, kind upon kind, below what they have."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.canvas import Drawn, one_run
from analysis.figures.kinds import Holdings
from analysis.figures.style import LIMIT_STYLE, MEMORY_STYLES
from analysis.load import Results
from analysis.nodes import ROLES, node_name, role_of
from analysis.result import TOTAL, Result
from analysis.units import MEMORY, unit_for

MOST_STEPS = 1500
"""Of more changes those are drawn at which a node holds most in as many equal stretches of time."""

LIMIT = "limit_bytes"


def drawn(results: Results, wish: Holdings) -> Drawn:
    """The figure of `holdings_data`, a panel a node."""
    result = one_run(results, wish.run)
    data = holdings_data(result, worst_of_roles(result) if wish.node is None else [wish.node])
    nodes = list(dict.fromkeys(data["node"]))
    figure = Figure(figsize=(7.4, 1.2 + 2.1 * len(nodes)), layout="constrained")
    panels = figure.subplots(len(nodes), squeeze=False, sharex=True)[:, 0]
    for axes, node in zip(panels, nodes, strict=True):
        draw_holdings(axes, data[data["node"] == node])
        axes.set_title(node_name(node).capitalize())
    panels[-1].set_xlabel("Simulated time (s)")
    entries = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=4)
    return Drawn(figure, data)


def worst_of_roles(result: Result) -> list[str]:
    """The node of each role that held most at any time, users first."""
    totals = result.memory[result.memory["kind"] == TOTAL].sort_values("peak_bytes", ascending=False, kind="stable")
    worst = totals[totals["peak_bytes"] > 0].groupby("role")["node"].first()
    return [str(worst[role]) for role in ROLES if role in worst.index]


def holdings_data(result: Result, nodes: list[str]) -> pd.DataFrame:
    """A row an instant from which on a node holds something else: `node`, `time_s`, bytes by kind, and `limit_bytes`.

    Raises ValueError for a node that never held anything.
    """
    parts = [_staircase(result, node) for node in nodes]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["node", "time_s", LIMIT])


def draw_holdings(axes: Axes, data: pd.DataFrame) -> None:
    """Draw one node of `holdings_data`: areas that add up at any time, and the limit as a line."""
    kinds = [kind for kind in MEMORY_STYLES if data[kind].any()]
    limit = float(data[LIMIT].iloc[0])
    unit = unit_for([*data[kinds].sum(axis=1), limit], MEMORY)
    axes.stackplot(
        data["time_s"],
        *(data[kind] / unit.size for kind in kinds),
        step="post",
        labels=[kind.capitalize() for kind in kinds],
        colors=[MEMORY_STYLES[kind].color for kind in kinds],
        hatch=[MEMORY_STYLES[kind].hatch for kind in kinds],
        edgecolor="white",
        linewidth=0,
    )
    if np.isfinite(limit):
        axes.axhline(limit / unit.size, label="Limit", **LIMIT_STYLE)
    axes.set_xlim(0, data["time_s"].max())
    axes.set_ylim(bottom=0)
    axes.set_ylabel(unit.named("Memory"))


def _staircase(result: Result, node: str) -> pd.DataFrame:
    changes = result.held[result.held["node"] == node]
    if changes.empty:
        raise ValueError(
            f"node = {node!r}: {result.path} has no memory of it; {role_of(node)} nodes are counted from 0"
        )
    by_kind = changes.pivot_table(index="time_s", columns="kind", values="bytes", aggfunc="sum", fill_value=0)
    held = by_kind.cumsum().reindex(columns=[*MEMORY_STYLES], fill_value=0).reset_index()
    end_s = float(result.rounds["sim_time_s"].max())
    held = pd.concat([_thinned(held), held.iloc[[-1]].assign(time_s=end_s)], ignore_index=True)
    own = result.memory.loc[result.memory["node"] == node, LIMIT]
    return held.assign(node=node, **{LIMIT: own.iloc[0]})[["node", "time_s", *MEMORY_STYLES, LIMIT]]


def _thinned(held: pd.DataFrame) -> pd.DataFrame:
    """The instant of each stretch of time at which most is held; all, if they are few."""
    if len(held) <= MOST_STEPS:
        return held
    stretch = pd.cut(held["time_s"], MOST_STEPS, labels=False)
    peaks = held[[*MEMORY_STYLES]].sum(axis=1).groupby(stretch).idxmax()
    return held.loc[peaks.sort_values()]
