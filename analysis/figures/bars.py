"""Delay bars: where a user's time goes, a bar a run and a segment a kind of delay."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.delays import KINDS, mean_delay_s
from analysis.figures.canvas import INCHES_PER_LETTER, Drawn, legend_columns
from analysis.figures.kinds import Delay
from analysis.figures.style import KIND_STYLES, series_style
from analysis.load import Results
from analysis.units import TIME, quantity_of, unit_for, written


def drawn(results: Results, _: Delay) -> Drawn:
    """The figure of `delay_data`."""
    data = delay_data(results)
    width = max(6.4, 4.9 + INCHES_PER_LETTER * data["label"].str.len().max())
    figure = Figure(figsize=(width, bars_height_inches(data)), layout="constrained")
    axes = figure.subplots()
    draw_delays(axes, data)
    entries, names = axes.get_legend_handles_labels()
    figure.legend(entries, names, loc="outside lower center", ncols=legend_columns(names, width))
    return Drawn(figure, data)


def bars_height_inches(data: pd.DataFrame) -> float:
    """What the bars of `delay_data` need with axis and legend."""
    return 1.8 + 0.5 * data["label"].nunique()


def delay_data(results: Results) -> pd.DataFrame:
    """Columns `label`, `kind`, `delay_s`: seconds of each kind of delay, mean over users and seeds, from the events.

    Raises ValueError where nothing has been recorded yet.
    """
    if any(run.events.empty for run in results):
        raise ValueError("of some run nothing has been recorded yet")
    each = results.by_series(lambda run: mean_delay_s(run.events).rename_axis("kind").reset_index(name="delay_s"))
    return each.groupby(["label", "kind"], sort=False, as_index=False)[["delay_s"]].mean()


def draw_delays(axes: Axes, data: pd.DataFrame) -> None:
    """Draw `delay_data` as stacked bars, first run on top, each with its total at the end; only kinds that occur."""
    labels = list(data["label"].unique())
    wide = data.pivot(index="label", columns="kind", values="delay_s").loc[labels, list(KINDS)]
    total_s = wide.sum(axis="columns")
    unit = unit_for(total_s, TIME)
    _draw_segments(axes, wide / unit.size)
    for position, seconds in enumerate(total_s):
        total = f" {written(seconds, TIME)}"
        axes.text(seconds / unit.size, position, total, va="center", fontweight="bold", fontsize="small")
        _draw_marker(axes, position)
    axes.set_xlabel(unit.named("Time, mean over users"))
    axes.margins(x=0.14)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelsize="medium", pad=18)


def _draw_segments(axes: Axes, widths: pd.DataFrame) -> None:
    """Draw a bar a row, made of a segment a column, which is a kind of delay."""
    left = 0 * widths.sum(axis="columns")
    for kind in (kind for kind in widths if (widths[kind] > 0).any()):
        look = KIND_STYLES[str(kind)]
        axes.barh(
            widths.index,
            widths[kind],
            left=left,
            height=0.62,
            label=quantity_of(str(kind)),
            color=look.color,
            hatch=look.hatch,
            edgecolor="white",
            linewidth=0.7,
        )
        left = left + widths[kind]


def _draw_marker(axes: Axes, position: int) -> None:
    """Repeat the marker of the run's curve between its name and its bar."""
    look = series_style(position)
    left_of_bars = axes.get_yaxis_transform()
    axes.plot(-0.022, position, look.marker, color=look.color, transform=left_of_bars, clip_on=False)
