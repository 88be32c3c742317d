"""Learning curves: what one column of the rounds did against another, a line a run."""

import math

import pandas as pd
from matplotlib.axes import Axes

from analysis.load import Results
from analysis.result import Result
from analysis.style import series_style
from analysis.units import ladder_of, quantity_of, unit_for

LOG_RATIO = 10.0
"""Runs whose ends lie further apart than this share a logarithmic axis."""

MARKERS_PER_LINE = 12


def learning_data(results: Results, x: str = "sim_time_s", y: str = "perplexity") -> pd.DataFrame:
    """The points of learning curves: columns `label`, `seed`, `round`, `x` and `y`, in base units.

    Rounds that did not record `y` are left out. Raises ValueError if a column is unknown or a run never recorded it.
    """
    parts = []
    for label, runs in results.series.items():
        for run in runs:
            for column in (x, y):
                _require(run, column)
            points = run.rounds[list(dict.fromkeys(("round", x, y)))].dropna()
            points.insert(0, "label", label)
            points.insert(1, "seed", run.seed)
            parts.append(points)
    return pd.concat(parts, ignore_index=True)


def draw_curves(axes: Axes, data: pd.DataFrame, x: str, y: str) -> None:
    """Draw `learning_data`, units in the axis labels; x is logarithmic if the runs' ends differ by over `LOG_RATIO`."""
    x_unit, y_unit = (unit_for(data[column], ladder_of(column)) for column in (x, y))
    for position, (label, points) in enumerate(data.groupby("label", sort=False)):
        look = series_style(position)
        axes.plot(
            points[x] / x_unit.size,
            points[y] / y_unit.size,
            label=str(label),
            color=look.color,
            marker=look.marker,
            linestyle=look.linestyle,
            markeredgecolor="white",
            markevery=max(1, len(points) // MARKERS_PER_LINE),
            clip_on=False,
        )
    axes.set_xlabel(x_unit.named(quantity_of(x)))
    _scale_x(axes, data, x, x_unit.size)
    axes.set_ylabel(y_unit.named(quantity_of(y)))


def _scale_x(axes: Axes, data: pd.DataFrame, x: str, size: float) -> None:
    ends = data.groupby("label")[x].max()
    if ends.max() > LOG_RATIO * ends.min():
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


def _require(result: Result, column: str) -> None:
    if column not in result.rounds.columns:
        raise ValueError(f"{column!r} is not a column of rounds; known are {', '.join(result.rounds.columns)}")
    if result.rounds[column].isna().all():
        raise ValueError(f"{result.path}: {column} was never recorded; an analytic run, for one, learns nothing")
