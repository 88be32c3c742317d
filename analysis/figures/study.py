"""Delays of a study by theory: a panel for each quantity that was varied, a line a scheme."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.canvas import Drawn, legend_below
from analysis.figures.style import SeriesStyle, series_style
from analysis.units import ladder_in, ladder_of, quantity_of, unit_for

PANEL_INCHES = (3.8, 3.9)

LOG_RATIO = 8.0
"""Delays further apart than this stand on a logarithmic axis."""


def drawn(table: pd.DataFrame) -> Drawn:
    """The figure of a table with the columns `quantity`, `unit`, `value`, `scheme` and `delay_s`.

    Values and delays are in base units; schemes that panels share look alike in all.
    """
    quantities = table["quantity"].unique()
    looks = dict(zip(table["scheme"].unique(), map(series_style, range(table["scheme"].nunique())), strict=True))
    width, height = PANEL_INCHES
    with style.applied():
        figure = Figure(figsize=(width * len(quantities), height), layout="constrained")
        for axes, quantity in zip(figure.subplots(1, len(quantities), squeeze=False)[0], quantities, strict=True):
            _panel(axes, table[table["quantity"] == quantity], looks)
            legend_below(axes, width)
    return Drawn(figure, table)


def _panel(axes: Axes, points: pd.DataFrame, looks: dict[str, SeriesStyle]) -> None:
    """The delay of each scheme against one quantity."""
    quantity, symbol = points["quantity"].iloc[0], points["unit"].iloc[0]
    x_unit, y_unit = unit_for(points["value"], ladder_in(symbol)), unit_for(points["delay_s"], ladder_of("delay_s"))
    for scheme, line in points.groupby("scheme", sort=False):
        axes.plot(
            line["value"] / x_unit.size, line["delay_s"] / y_unit.size, label=str(scheme), **looks[str(scheme)].line
        )
    axes.set_xlabel(x_unit.named(quantity[:1].upper() + quantity[1:]))
    axes.set_ylabel(y_unit.named(quantity_of("delay_s")))
    if points["delay_s"].max() > LOG_RATIO * points["delay_s"].min():
        axes.set_yscale("log")
