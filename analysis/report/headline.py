"""The headline of a report: the comparison as rows of cells."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.comparison import COLUMNS, comparison_table
from analysis.load import Results
from analysis.overview import LEARNED
from analysis.style import series_style
from analysis.units import PERCENT, three_digits, unit_for


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A value, the interval about it if there is one, and whether it is the best."""

    text: str
    interval: str = ""
    marked: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """A quantity with its unit, and a cell a series of runs."""

    title: str
    cells: Sequence[Cell]
    ends_group: bool


@dataclass(frozen=True, kw_only=True)
class Headline:
    """Lines of cells below the titles of the columns; what marks mean, and further ``notes`` on how to read them."""

    columns: Sequence[str]
    lines: Sequence[Line]
    mark: str
    notes: Sequence[str]


def headline(results: Results) -> Headline:
    """The comparison of those runs that have a summary: a line a quantity that any of them recorded."""
    summarised = results.where(lambda run: bool(run.summary))
    if not len(summarised):
        return Headline(columns=(), lines=(), mark="", notes=())
    frame = comparison_table(summarised)
    lines = []
    for name, column in COLUMNS.items():
        values = frame[name].astype(float)
        if values.isna().all():
            continue
        unit = unit_for(values, column.ladder)
        best = values.max() if column.best == "highest" else values.min()
        has_best = column.best is not None and values.nunique() > 1
        cells = [
            Cell(
                text=three_digits(value / unit.size, signed=column.ladder is PERCENT), marked=has_best and value == best
            )
            for value in values.tolist()
        ]
        lines.append(Line(title=unit.named(column.title), cells=cells, ends_group=column.ends_group))
    notes = ["Several seeds are averaged."] if len(frame) < len(summarised) else []
    return Headline(
        columns=[str(label) for label in frame.index],
        lines=lines,
        mark="best of its line" if len(frame) > 1 else "",
        notes=notes,
    )


def colors(results: Results) -> dict[str, str]:
    """The colour of each series in the figures; empty where these lack some of the runs, and so have other colours."""
    learned = {bool(run.rounds[list(LEARNED)].notna().any(axis=None)) for run in results}
    if len(learned) > 1 or not all(run.summary and not run.events.empty for run in results):
        return {}
    return {label: series_style(position).color for position, label in enumerate(results.series)}
