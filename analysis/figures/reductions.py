"""By how much less memory a server needs: a heat map over users and edge servers, the paper's number framed."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.figures import style
from analysis.figures.canvas import Drawn
from analysis.figures.heatmap import INCHES_PER_CELL, draw_heatmap
from analysis.figures.style import SHADES

FRAME_COLOR = "#D55E00"


def drawn(table: pd.DataFrame) -> Drawn:
    """The figure of a table with the columns `users`, `edges`, `weights`, `percent` and `paper_percent`.

    A panel for each kind of weights; cells within half a cell of the paper's number, seen along a row, are framed.
    """
    kinds = list(dict.fromkeys(table["weights"]))
    users, edges = (sorted(table[key].unique()) for key in ("users", "edges"))
    width, height = (inches * len(values) for inches, values in zip(INCHES_PER_CELL, (edges, users), strict=True))
    paper = float(table["paper_percent"].iloc[0])
    scale = Normalize(0.0, 100.0)
    with style.applied():
        figure = Figure(figsize=(1.6 + len(kinds) * (width + 0.5), 1.9 + height), layout="constrained")
        panels = list(figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0])
        for axes, kind in zip(panels, kinds, strict=True):
            cells = table[table["weights"] == kind].pivot(index="users", columns="edges", values="percent")
            draw_heatmap(axes, cells, scale)
            _frame(axes, cells, paper)
            axes.set_title(kind)
            axes.set_xticks([place + 0.5 for place in range(len(edges))], [f"{count:g}" for count in edges])
            axes.set_xlabel("Edge servers M")
        panels[0].set_yticks([place + 0.5 for place in range(len(users))], [f"{count:g}" for count in users])
        panels[0].set_ylabel("Users N")
        bar = figure.colorbar(ScalarMappable(scale, SHADES), ax=panels, label="Less peak memory of the server (%)")
        bar.ax.axhline(paper, color=FRAME_COLOR, linewidth=2)
        bar.outline.set_visible(False)
        figure.suptitle(f"SplitLLM against split-fed learning; the paper: up to {paper:g} %, framed where nearest")
    return Drawn(figure, table)


def _frame(axes: Axes, cells: pd.DataFrame, paper: float) -> None:
    """Mark in each row the cell that is nearest to the paper's number, if that lies within the row."""
    for row, (_, values) in enumerate(cells.iterrows()):
        if values.min() <= paper <= values.max():
            column = int((values - paper).abs().to_numpy().argmin())
            axes.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=FRAME_COLOR, linewidth=2.5, zorder=3))
