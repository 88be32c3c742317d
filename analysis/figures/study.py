"""Delays of a study without training: a panel for each delay and quantity that was varied, a line a scheme."""

from itertools import zip_longest
from math import ceil

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.canvas import Drawn, legend_below
from analysis.figures.style import SeriesStyle, series_style
from analysis.units import ladder_in, ladder_of, unit_for

PANEL_INCHES = (3.8, 3.9)
PANELS_A_ROW = 3

LOG_RATIO = 8.0
"""Delays further apart than this stand on a logarithmic axis, unless some are none at all."""


def drawn(table: pd.DataFrame) -> Drawn:
    """The figure of a table with the columns `measured`, `quantity`, `unit`, `value`, `scheme` and `delay_s`.

    Values and delays are in base units; schemes that panels share look alike in all.
    """
    panels = [points for _, points in table.groupby(["measured", "quantity"], sort=False)]
    looks = dict(zip(table["scheme"].unique(), map(series_style, range(table["scheme"].nunique())), strict=True))
    columns = min(len(panels), PANELS_A_ROW)
    rows = ceil(len(panels) / columns)
    width, height = PANEL_INCHES
    with style.applied():
        figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
        for axes, points in zip_longest(figure.subplots(rows, columns, squeeze=False).flat, panels):
            if points is None:
                axes.set_axis_off()
            else:
                _panel(axes, points, looks)
                legend_below(axes, width)
    return Drawn(figure, table)


def _panel(axes: Axes, points: pd.DataFrame, looks: dict[str, SeriesStyle]) -> None:
    """The delay of each scheme against one quantity."""
    measured, quantity, symbol = (str(points[column].iloc[0]) for column in ("measured", "quantity", "unit"))
    x_unit, y_unit = unit_for(points["value"], ladder_in(symbol)), unit_for(points["delay_s"], ladder_of("delay_s"))
    for scheme, line in points.groupby("scheme", sort=False):
        axes.plot(
            line["value"] / x_unit.size, line["delay_s"] / y_unit.size, label=str(scheme), **looks[str(scheme)].line
        )
    axes.set_xlabel(x_unit.named(quantity[:1].upper() + quantity[1:]))
    axes.set_ylabel(y_unit.named(measured[:1].upper() + measured[1:]))
    if points["delay_s"].max() > LOG_RATIO * points["delay_s"].min() > 0:
        axes.set_yscale("log")
