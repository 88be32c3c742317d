"""What figures have in common: how they are handed over, legends beside the data, and choosing one run."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.transforms import offset_copy

from analysis.figures.style import KIND_STYLES
from analysis.load import Results
from analysis.result import Result
from analysis.units import quantity_of


@dataclass(frozen=True)
class Drawn:
    """A figure, and the numbers that it shows."""

    figure: Figure
    data: pd.DataFrame


INCHES_PER_LETTER = 0.075
"""Of the style's small font, on average."""

_SAMPLE_INCHES = 0.6  # the line or patch before a name in a legend, with the gaps about it


def legend_columns(names: Iterable[str], width_inches: float) -> int:
    """How many entries of a legend stand side by side on such a width, whichever they are; one at least."""
    widest = sorted((_SAMPLE_INCHES + INCHES_PER_LETTER * len(name) for name in names), reverse=True)
    return max(1, sum(total <= width_inches for total in accumulate(widest)))


def legend_below(axes: Axes, width_inches: float, title: str | None = None) -> None:
    """The legend under the label of the x axis, in as many columns as fit the width."""
    below_x_label = offset_copy(axes.transAxes, axes.get_figure(root=True), y=-0.5, units="inches")
    columns = legend_columns(axes.get_legend_handles_labels()[1], width_inches)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below_x_label, ncols=columns, title=title)


def legend_beside(axes: Axes, title: str | None = None) -> None:
    """The legend to the right of the data."""
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title=title)


def kind_patch(kind: str, *, hatched: bool) -> Patch:
    """The entry of a kind of delay in a legend."""
    look, hatch = KIND_STYLES[kind], KIND_STYLES[kind].hatch if hatched else None
    return Patch(facecolor=look.color, hatch=hatch, edgecolor="white", linewidth=0.7, label=quantity_of(kind))


def one_run(results: Results, wanted: str | None) -> Result:
    """The first run, or the first of that label or folder.

    Raises ValueError if there is none.
    """
    for name, result in zip(results.names, results, strict=True):
        if wanted is None or wanted in (result.label, name):
            return result
    raise ValueError(f"run = {wanted!r}: not one of {', '.join(dict.fromkeys(run.label for run in results))}")
