"""Heat maps: a quantity for each pair of two settings, the numbers in the cells."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from analysis.figures.bands import band_note, mean_with_band
from analysis.figures.canvas import Drawn
from analysis.figures.kinds import Heatmap
from analysis.figures.style import SHADES, grey
from analysis.figures.varied import (
    in_order,
    is_numeric,
    must_not_vary,
    setting_name,
    setting_unit,
    value_name,
    value_unit,
    varied_data,
)
from analysis.load import Results
from analysis.units import three_digits

INCHES_PER_CELL = (0.75, 0.5)
MIDDLE_GREY = 0.5


def drawn(results: Results, wish: Heatmap) -> Drawn:
    """The figure of `heatmap_data`: a panel a scheme, one scale of colour for all."""
    data = heatmap_data(results, wish.x, wish.y, wish.value)
    columns, rows = (in_order(data, [key])[key].unique().tolist() for key in (wish.x, wish.y))
    labels = data["label"].unique()
    width, height = len(columns) * INCHES_PER_CELL[0], len(rows) * INCHES_PER_CELL[1]
    size = 2.0 + len(labels) * (max(width, 2.0) + 0.2), 1.3 + max(height, 1.5)
    figure = Figure(figsize=size, layout="constrained")
    panels = list(figure.subplots(1, len(labels), sharey=True, squeeze=False)[0])
    unit = value_unit(wish.value, data[wish.value])
    scale = Normalize(data[wish.value].min() / unit.size, data[wish.value].max() / unit.size)
    for axes, label in zip(panels, labels, strict=True):
        cells = data[data["label"] == label].pivot(index=wish.y, columns=wish.x, values=wish.value)
        draw_heatmap(axes, cells.reindex(index=rows, columns=columns) / unit.size, scale)
        axes.set_title(label)
        _label_cells(axes.xaxis, results, wish.x, columns)
    _label_cells(panels[0].yaxis, results, wish.y, rows)
    bar = figure.colorbar(ScalarMappable(scale, SHADES), ax=panels, label=unit.named(value_name(wish.value)))
    bar.outline.set_visible(False)
    if note := band_note(data):
        figure.supxlabel(note.partition(";")[0].capitalize(), fontsize="small", color="#555555")
    return Drawn(figure, data)


def heatmap_data(results: Results, x: str, y: str, value: str = "sim_time_s") -> pd.DataFrame:
    """Columns `label`, `x`, `y`, `value`, its band (`bands`) and `seeds`: the mean over seeds, in base units.

    Raises ValueError if a cell would mix runs that differ in more than the seed.
    """
    must_not_vary(results, (x, y), "load runs that are equal in these")
    keys = ["label", x, y]
    return mean_with_band(in_order(varied_data(results, [x, y], value), keys), keys, value)


def draw_heatmap(axes: Axes, cells: pd.DataFrame, scale: Normalize) -> None:
    """Draw the values of `cells`, first row lowest, each with its number; a pair that was not run is blank."""
    values = cells.to_numpy(dtype=float)
    axes.pcolormesh(np.ma.masked_invalid(values), cmap=SHADES, norm=scale, edgecolors="white", linewidth=1.5)
    for (row, column), value in np.ndenumerate(values):
        dark = np.isfinite(value) and grey(SHADES(scale(value))) < MIDDLE_GREY
        text = axes.text(column + 0.5, row + 0.5, three_digits(float(value)), color="white" if dark else "black")
        text.set(ha="center", va="center", fontsize="small")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _label_cells(axis: Axis, results: Results, key: str, values: list[float]) -> None:
    """Name the setting on its axis, with its unit, and in the middle of each row or column its value there."""
    unit = setting_unit(results, key)
    numeric = is_numeric(pd.Series(values))
    names = [f"{value / unit.size:g}" if numeric else str(value) for value in values]
    axis.set_ticks([place + 0.5 for place in range(len(values))], names)
    axis.set_label_text(unit.named(setting_name(key)))
