"""Sweep curves: what became of a quantity as a setting was varied, a line a scheme or a value of another setting."""

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, LogLocator

from analysis.figures.bands import band_note, mean_with_band
from analysis.figures.canvas import INCHES_PER_LETTER, Drawn, legend_beside
from analysis.figures.kinds import Sweep
from analysis.figures.style import SeriesStyle, series_style
from analysis.figures.varied import (
    in_order,
    is_numeric,
    setting_name,
    setting_unit,
    value_name,
    value_unit,
    varied_data,
)
from analysis.load import Results
from analysis.units import Unit

MOST_BANDS = 4
"""Beyond so many lines bands would hide each other, and are drawn as bars at the points."""

DODGE = 0.007
"""By how much of the axis the bars of neighbouring lines stand apart, so that none hides another."""

_LEAST_OF_LOWEST = 0.5
"""Where a logarithmic axis begins at least, as a share of the lowest mean: bands reach down to 0, which it has not."""
_MARGIN = 0.95
"""Between that or the lowest value and the end of the axis, as a share."""

LEAST_FOR_SCALE = 3
"""Two values are as well in arithmetic as in geometric progression."""

_AXIS_INCHES = 5.0  # that the names of the values share, about
_NAMES_APART_INCHES = 0.08
_ROUND = (1.0, 2.0, 5.0)  # of each decade


def drawn(results: Results, wish: Sweep) -> Drawn:
    """The figure of `sweep_data`."""
    data = sweep_data(results, wish.x, wish.y, wish.hue)
    lines = data["line"].nunique()
    beside = lines > MOST_BANDS
    figure = Figure(figsize=(8.6 if beside else 6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    draw_sweep(axes, data, wish.x, wish.y, setting_unit(results, wish.x), log=wish.scale == "log")
    note = band_note(data, "bar" if beside else "band")
    if beside:
        legend_beside(axes, title=note)
    elif lines > 1:
        axes.legend(title=note)
    elif note:
        axes.set_title(f"{data['line'].iloc[0]} ({note})")
    return Drawn(figure, data)


def sweep_data(results: Results, x: str, y: str = "sim_time_s", hue: str | None = None) -> pd.DataFrame:
    """Columns `line`, `hue`, `x`, `y`, `y_low`, `y_high` and `seeds`: the mean over seeds, its band, in base units.

    Lines are told apart by scheme and by whatever was varied besides `x`; by the setting `hue` first (`label` is the
    scheme), whose value they share a colour for. A scheme that does not know `x` is the same at each of its values.
    Raises ValueError for an unknown setting or quantity.
    """
    several = len({run.label for run in results}) > 1
    told = [*(["label"] if several else []), *(key for key in results.varied if key != x)]
    first = hue or (told[0] if told else "label")
    keys = [first, *(key for key in told if key != first)]
    data = varied_data(results, [key for key in (x, *keys) if key != "label"], y)
    names = pd.DataFrame({key: _names(results, key) for key in keys})
    data = _everywhere(data.assign(hue=names[first], line=names.agg(", ".join, axis="columns")), x)
    return mean_with_band(in_order(data, [*keys, x]), ["line", "hue", x], y)


def _everywhere(data: pd.DataFrame, x: str) -> pd.DataFrame:
    """Rows of a scheme that has no `x` at all, once at each value that the others have."""
    without = data.groupby("label")[x].transform(lambda values: values.isna().all()).astype(bool)
    if without.all() or not without.any():
        return data
    values = pd.DataFrame({x: data.loc[~without, x].unique()})
    return pd.concat([data[~without], data[without].drop(columns=x).merge(values, how="cross")], ignore_index=True)


def draw_sweep(axes: Axes, data: pd.DataFrame, x: str, y: str, x_unit: Unit, *, log: bool = False) -> None:
    """Draw `sweep_data`: colour and marker by hue, line style by the rest; `log` is said of `y`.

    Values of `x` in geometric progression stand on a logarithmic axis, words side by side. Raises ValueError for a
    `y` that has no logarithm.
    """
    y_unit = value_unit(y, data[y].clip(upper=data[y].median()) if log else data[y])
    values = in_order(data, [x])[x].unique().tolist()
    numeric = is_numeric(data[x])
    places = {value: value / x_unit.size if numeric else place for place, value in enumerate(values)}
    looks = _looks(data)
    if numeric and is_geometric(values):
        axes.set_xscale("log")
    for position, (line, points) in enumerate(data.groupby("line", sort=False)):
        at = points[x].map(places).astype(float)
        if len(looks) > MOST_BANDS:
            at = _aside(axes, at, list(places.values()), DODGE * (position - (len(looks) - 1) / 2))
        ends = pd.DataFrame({end: points[column] / y_unit.size for end, column in _columns(y).items()})
        _draw_line(axes, str(line), ends.assign(x=at), looks[str(line)], bars=len(looks) > MOST_BANDS)
    axes.set_xlabel(x_unit.named(setting_name(x)))
    axes.set_ylabel(y_unit.named(value_name(y)))
    names = [f"{at:g}" if numeric else str(key) for key, at in places.items()]
    _name_values(axes, list(places.values()), names, numeric=numeric)
    if log:
        _to_log(axes, data[[*_columns(y).values()]] / y_unit.size)
    elif (data[y] >= 0).all():
        axes.set_ylim(bottom=0)
    axes.minorticks_off()


def _name_values(axes: Axes, places: list[float], names: list[str], *, numeric: bool) -> None:
    """Put the name of each value under it; where names would touch, words are slanted, and numbers are round ones."""
    axes.set_xticks(places, names)
    if len(places) < 2 or not _touch(axes, places, names):
        return
    if not numeric:
        for label in axes.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
        return
    decades = axes.get_xscale() == "log" and max(places) >= 10 * min(places)
    axes.xaxis.set_major_locator(LogLocator(subs=_ROUND) if decades else AutoLocator())
    axes.xaxis.set_major_formatter("{x:g}")


def _touch(axes: Axes, places: list[float], names: list[str]) -> bool:
    """Whether names of the usual font, each centred at its place, would run into each other."""
    scaled = np.log(places) if axes.get_xscale() == "log" else np.array(places)
    gaps = np.diff(scaled) / max(np.ptp(scaled), np.finfo(float).tiny) * _AXIS_INCHES
    letters = np.array([len(name) for name in names])
    return bool((gaps < INCHES_PER_LETTER * (letters[:-1] + letters[1:]) / 2 + _NAMES_APART_INCHES).any())


def _to_log(axes: Axes, points: pd.DataFrame) -> None:
    """Make the axis of `points`, of a mean and its band, logarithmic, with plain numbers at its ticks."""
    lowest = points.iloc[:, 0].min()
    if lowest <= 0:
        raise ValueError("scale = 'log': some values are not above 0")
    axes.set_yscale("log", nonpositive="clip")
    axes.set_ylim(bottom=_MARGIN * max(points.min(axis=None), _LEAST_OF_LOWEST * lowest))
    axes.yaxis.set_major_locator(LogLocator(subs=_ROUND))
    axes.yaxis.set_major_formatter("{x:g}")


def _draw_line(axes: Axes, line: str, points: pd.DataFrame, look: SeriesStyle, *, bars: bool) -> None:
    """Draw the columns `x` and `y`, and from `low` to `high` a band, or a bar at each point."""
    if bars:
        axes.vlines(points["x"], points["low"], points["high"], color=look.color, linewidth=1)
    else:
        axes.fill_between(points["x"], points["low"], points["high"], color=look.color, alpha=0.15, linewidth=0)
    axes.plot(points["x"], points["y"], label=line, clip_on=False, **look.line)


def _aside(axes: Axes, at: "pd.Series[float]", places: list[float], share: float) -> "pd.Series[float]":
    """Places on the axis moved by a share of its length."""
    if axes.get_xscale() == "log":
        factor: float = (max(places) / min(places)) ** share
        return at * factor
    return at + share * (max(places) - min(places))


def _columns(y: str) -> dict[str, str]:
    return {"y": y, "low": f"{y}_low", "high": f"{y}_high"}


def _looks(data: pd.DataFrame) -> dict[str, SeriesStyle]:
    """Of each line: colour and marker by hue, line style by its place among those of one hue."""
    looks = {}
    for position, (_, shared) in enumerate(data.groupby("hue", sort=False)):
        for number, line in enumerate(shared["line"].unique()):
            looks[str(line)] = replace(series_style(position), linestyle=series_style(number).linestyle)
    return looks


def is_geometric(values: list[float]) -> bool:
    """Whether the steps between sorted `values` are more even as ratios than as differences."""
    if len(values) < LEAST_FOR_SCALE or min(values) <= 0:
        return False
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(ratios.std() / ratios.mean() < steps.std() / steps.mean())


def _names(results: Results, key: str) -> list[str]:
    """What a legend calls the value of a setting in each run."""
    if key == "label":
        return [run.label for run in results]
    return [f"{setting_name(key).lower()} {setting}" for setting in results.setting(key)]
