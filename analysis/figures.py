"""The figures of a comparison, and how they are saved together with the numbers they show."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from analysis import style
from analysis.bars import delay_data, draw_delays
from analysis.curves import draw_curves, learning_data
from analysis.files import whole_file
from analysis.load import Results

UNDATED = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Formats a figure is written in, each with the metadata left out so that equal figures are equal files."""


def learning_curve(results: Results, x: str = "sim_time_s", y: str = "perplexity") -> Figure:
    """A curve a run of one column of the rounds against another; its numbers are `learning_data`."""
    with style.applied():
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        axes = figure.subplots()
        draw_curves(axes, learning_data(results, x, y), x, y)
        axes.legend()
    return figure


def delay_by_kind(results: Results) -> Figure:
    """A bar a run of where a user's time goes; its numbers are `delay_data`."""
    with style.applied():
        figure = Figure(figsize=(6.4, _height_inches(results)), layout="constrained")
        axes = figure.subplots()
        draw_delays(axes, delay_data(results))
        _legend_below(axes)
    return figure


def comparison_figure(results: Results, y: str = "perplexity") -> Figure:
    """What was learned over simulated time beside where that time went; its numbers are `comparison_data`."""
    with style.applied():
        figure = Figure(figsize=(11.5, max(4.8, _height_inches(results))), layout="constrained")
        curves, bars = figure.subplots(1, 2, width_ratios=(1, 1.15))
        draw_curves(curves, learning_data(results, y=y), "sim_time_s", y)
        curves.set_title("What is learned, and when")
        _legend_below(curves)
        draw_delays(bars, delay_data(results))
        bars.set_title("Where the time goes")
        _legend_below(bars)
    return figure


def comparison_data(results: Results, y: str = "perplexity") -> pd.DataFrame:
    """The numbers of `comparison_figure`: `learning_data` above `delay_data`, cells of the other empty."""
    return pd.concat([learning_data(results, y=y), delay_data(results)], ignore_index=True)


def save(figure: Figure, data: pd.DataFrame, path: Path | str) -> None:
    """Write `figure` to `path` (.png, .svg or .pdf) and `data` beside it as CSV; each appears whole or not at all.

    Raises ValueError for another suffix.
    """
    target = Path(path)
    kind = target.suffix.removeprefix(".").lower()
    if kind not in UNDATED:
        raise ValueError(f"{target}: cannot write a figure as {target.suffix!r}; use .png, .svg or .pdf")
    with whole_file(target) as picture, whole_file(target.with_suffix(".csv")) as table:
        data.to_csv(table, index=False)
        with style.applied():
            figure.savefig(picture, format=kind, metadata=UNDATED[kind])


def _height_inches(results: Results) -> float:
    return 1.8 + 0.5 * len(results)


def _legend_below(axes: Axes) -> None:
    below_x_label = offset_copy(axes.transAxes, axes.get_figure(root=True), y=-0.5, units="inches")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below_x_label, ncols=4)
