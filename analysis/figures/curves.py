"""Learning curves: what one column of the rounds did against another, a line a scheme."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.comparison.targets import METRICS, NOTHING_LEARNED, metric_of
from analysis.figures.bands import band_note, mean_with_band
from analysis.figures.canvas import Drawn
from analysis.figures.kinds import Curves
from analysis.figures.style import series_style
from analysis.load import Results
from analysis.result import Result, with_sums
from analysis.units import ladder_of, quantity_of, unit_for

LOG_RATIO = 10.0
"""Runs whose ends lie further apart than this share a logarithmic axis."""

MARKERS_PER_LINE = 12

TIME_COLUMN = "sim_time_s"


def drawn(results: Results, wish: Curves) -> Drawn:
    """The figure of `curves_data`."""
    y = wish.y or learned(results)
    data = curves_data(results, wish.x, y)
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    draw_curves(axes, data, wish.x, y)
    axes.legend(title=band_note(data))
    return Drawn(figure, data)


def learned(results: Results) -> str:
    """What learning is shown by (`metric_of`).

    Raises ValueError if there is none.
    """
    metric = metric_of(results)
    if metric is None:
        raise ValueError(f"some run recorded neither {' nor '.join(METRICS)}; {NOTHING_LEARNED}")
    return metric


def curves_data(results: Results, x: str = TIME_COLUMN, y: str = "perplexity") -> pd.DataFrame:
    """The points of learning curves: `label`, `round`, `x` and `y` in base units, the mean over seeds, and its band.

    A series with several seeds has the rounds that all of them recorded; a point is the mean of each axis over them,
    and `y_low` and `y_high` are the band of the mean (`bands`).
    """
    points = learning_data(results, x, y)
    seeds = points.groupby(["label", "round"], sort=False)["seed"].transform("size")
    common = points[seeds == points.groupby("label", sort=False)["seed"].transform("nunique")]
    data = mean_with_band(common, ["label", "round"], y)
    if x not in data.columns:
        data.insert(2, x, common.groupby(["label", "round"], sort=False)[x].mean().to_numpy())
    return data


def learning_data(results: Results, x: str = TIME_COLUMN, y: str = "perplexity") -> pd.DataFrame:
    """The points of every run: columns `label`, `seed`, `round`, `x` and `y`, in base units; also `SUMS` of columns.

    Rounds that did not record `y` are left out. Raises ValueError if a column is unknown or a run never recorded it.
    """
    return results.by_series(lambda run: _points(run, x, y))


def draw_curves(axes: Axes, data: pd.DataFrame, x: str, y: str) -> None:
    """Draw `curves_data`, units in the axis labels; x is logarithmic if the runs' ends differ by over `LOG_RATIO`."""
    x_unit, y_unit = (unit_for(data[column], ladder_of(column)) for column in (x, y))
    for position, (label, points) in enumerate(data.groupby("label", sort=False)):
        look = series_style(position)
        axes.plot(
            points[x] / x_unit.size,
            points[y] / y_unit.size,
            label=str(label),
            markevery=max(1, len(points) // MARKERS_PER_LINE),
            clip_on=False,
            **look.line,
        )
        low, high = (points[f"{y}_{end}"] / y_unit.size for end in ("low", "high"))
        axes.fill_between(points[x] / x_unit.size, low, high, color=look.color, alpha=0.18, linewidth=0)
    axes.set_xlabel(x_unit.named(quantity_of(x)))
    _scale_x(axes, data, x, x_unit.size)
    axes.set_ylabel(y_unit.named(quantity_of(y)))


def _scale_x(axes: Axes, data: pd.DataFrame, x: str, size: float) -> None:
    ends = data.groupby("label")[x].max()
    if ends.max() > LOG_RATIO * ends.min() > 0:
        # Linear below the first point after the start, because the state before training lies at zero.
        first, last = data.loc[data[x] > 0, x].min() / size, ends.max() / size
        axes.set_xscale("symlog", linthresh=first, linscale=0.4)
        axes.set_xticks([0.0, *(10.0**power for power in range(math.ceil(math.log10(first)), _decade_above(last)))])
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(f"{axes.get_xlabel()}, logarithmic")
    if (data[x] >= 0).all():
        axes.set_xlim(left=0)


def _decade_above(value: float) -> int:
    return math.floor(math.log10(value)) + 1


def _points(run: Result, x: str, y: str) -> pd.DataFrame:
    rounds = with_sums(run.rounds)
    for column in (x, y):
        _require(run, rounds, column)
    return rounds[list(dict.fromkeys(("round", x, y)))].dropna()


def _require(run: Result, rounds: pd.DataFrame, column: str) -> None:
    if column not in rounds.columns:
        raise ValueError(f"{column!r} is not a column of rounds; known are {', '.join(rounds.columns)}")
    if rounds[column].isna().all():
        raise ValueError(f"{run.path}: {column} was never recorded; {NOTHING_LEARNED}")
