"""Peak memory by node and kind.

Kinds reach their peaks at different times, so that their peaks need not add up to that of all together: the bars of the
kinds stand one below the other in front of the bar of the total, and are not stacked.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.canvas import Drawn
from analysis.figures.kinds import Memory
from analysis.figures.style import LIMIT_STYLE, MEMORY_STYLES
from analysis.load import Results
from analysis.nodes import ROLES, node_name
from analysis.result import TOTAL
from analysis.units import MEMORY, unit_for

MOST_NODES = 8
"""Of one run each node of a role is shown, up to so many; beyond, and of several runs, the worst one."""

ROW_INCHES, BAR = 0.5, 0.84
_TOTAL_COLOR = "white"


def drawn(results: Results, _: Memory) -> Drawn:
    """The figure of `memory_data`: a panel a role."""
    data = memory_data(results)
    roles = [role for role in ROLES if role in set(data["role"])]
    figure = Figure(layout="constrained")
    if len(results.series) > 1:
        figure.set_size_inches(10.5, 1.5 + ROW_INCHES * data["label"].nunique())
        panels = figure.subplots(1, len(roles), squeeze=False, sharey=True)[0]
    else:
        rows = [data.loc[data["role"] == role, "row"].nunique() for role in roles]
        figure.set_size_inches(6.4, 1.3 + ROW_INCHES * sum(rows) + 0.55 * len(roles))
        panels = figure.subplots(len(roles), squeeze=False, height_ratios=[count + 0.2 for count in rows])[:, 0]
    for axes, role in zip(panels, roles, strict=True):
        mine = data[data["role"] == role]
        draw_memory(axes, mine)
        axes.set_title(_title(results, role, mine))
    kinds = [kind for kind in MEMORY_STYLES if (data.loc[data["kind"] == kind, "peak_bytes"] > 0).any()]
    limits = [Line2D([], [], label="Limit", **LIMIT_STYLE)] if data["limit_bytes"].notna().any() else []
    entries = [*map(_patch, kinds), _total_patch(), *limits]
    figure.legend(
        handles=entries,
        loc="outside lower center",
        ncols=len(entries) if len(results.series) > 1 else 4,
        title="Kinds may peak at different times: their peaks need not add up to that of all together",
    )
    return Drawn(figure, data)


def memory_data(results: Results) -> pd.DataFrame:
    """Columns `row`, `label`, `seed`, `node`, `role`, `kind`, `peak_bytes` and `limit_bytes` of the nodes shown.

    Of one run these are all nodes of a role, if they are at most `MOST_NODES`, and the row is the node. Otherwise it is
    the node with the highest total of the role, of several of the first, among all seeds of the series, whose name the
    row has. Raises ValueError before a run has written what it held.
    """
    peaks, alone = results.by_series(lambda run: run.memory), len(results) == 1
    parts = []
    for (label, _), nodes in peaks.groupby(["label", "role"], sort=False):
        shown = nodes if alone and nodes["node"].nunique() <= MOST_NODES else _worst(nodes)
        parts.append(shown.assign(row=shown["node"] if alone else str(label)))
    if not parts:
        raise ValueError("no run has written memory.parquet yet")
    return pd.concat(parts, ignore_index=True)[
        ["row", "label", "seed", "node", "role", "kind", "peak_bytes", "limit_bytes"]
    ]


def draw_memory(axes: Axes, data: pd.DataFrame) -> None:
    """Draw the rows of one role of `memory_data`: the total as an outline, in it a bar a kind; a line at the limit."""
    rows = list(data["row"].unique())
    limits = data.groupby("row")["limit_bytes"].first()
    unit = unit_for([*data["peak_bytes"], *limits], MEMORY)
    thin = BAR / len(MEMORY_STYLES)
    for place, row in enumerate(rows):
        peak_bytes = data[data["row"] == row].set_index("kind")["peak_bytes"]
        peaks, total = peak_bytes / unit.size, unit.written(float(peak_bytes.get(TOTAL, 0.0)))
        axes.barh(place, peaks.get(TOTAL, 0.0), BAR, color=_TOTAL_COLOR, edgecolor="#999999", linewidth=0.7)
        if np.isfinite(limits[row]):
            axes.vlines(limits[row] / unit.size, place - 0.5, place + 0.5, **LIMIT_STYLE)
        axes.text(peaks.get(TOTAL, 0.0), place, f" {total}", va="center", fontweight="bold", fontsize="small")
        for number, (kind, look) in enumerate(MEMORY_STYLES.items()):
            at = place - BAR / 2 + (number + 0.5) * thin
            axes.barh(at, peaks.get(kind, 0.0), thin * 0.9, color=look.color, hatch=look.hatch, edgecolor="white", lw=0)
    axes.set_yticks(range(len(rows)), [node_name(row) if row in set(data["node"]) else row for row in rows])
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.margins(x=0.25)
    axes.set_xlim(left=0)
    axes.set_xlabel(unit.named("Peak memory"))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _worst(nodes: pd.DataFrame) -> pd.DataFrame:
    """The rows of the node with the highest total, in the seed where it has it."""
    totals = nodes[nodes["kind"] == TOTAL]
    highest = totals.sort_values("peak_bytes", ascending=False, kind="stable").iloc[0]
    found: pd.DataFrame = nodes[(nodes["node"] == highest["node"]) & (nodes["seed"] == highest["seed"])]
    return found


def _title(results: Results, role: str, data: pd.DataFrame) -> str:
    nodes = {node for run in results for node in run.memory.loc[run.memory["role"] == role, "node"]}
    if len(nodes) == 1:
        return node_name(role).capitalize()
    if data["node"].nunique() < len(nodes):
        return f"Worst {node_name(role)} of {len(nodes)}"
    return f"{node_name(role)}s".capitalize()


def _patch(kind: str) -> Patch:
    look = MEMORY_STYLES[kind]
    return Patch(facecolor=look.color, hatch=look.hatch, edgecolor="white", linewidth=0, label=kind.capitalize())


def _total_patch() -> Patch:
    return Patch(facecolor=_TOTAL_COLOR, edgecolor="#999999", linewidth=0.7, label="All together")
