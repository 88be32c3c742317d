"""The headline of a report: the comparison as rows of cells."""

from dataclasses import dataclass

from analysis.comparison import COLUMNS, comparison_table
from analysis.load import Results
from analysis.style import series_style
from analysis.units import PERCENT, three_digits, unit_for


@dataclass(frozen=True, kw_only=True)
class Line:
    """A quantity, with a cell a run and whether that is the best."""

    title: str
    cells: tuple[tuple[str, bool], ...]
    ends_group: bool


@dataclass(frozen=True, kw_only=True)
class Headline:
    """A table: a column a series of runs, with its label and colour, and a line a quantity that any of them has."""

    columns: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]


def headline(results: Results) -> Headline:
    """The comparison of those runs that have a summary."""
    summarised = results.where(lambda run: bool(run.summary))
    if not len(summarised):
        return Headline(columns=(), lines=())
    frame = comparison_table(summarised)
    lines = []
    for name, column in COLUMNS.items():
        values = frame[name].astype(float)
        if values.isna().all():
            continue
        unit = unit_for(values, column.ladder)
        best = values.max() if column.best == "highest" else values.min()
        has_best = column.best is not None and values.nunique() > 1
        cells = tuple(
            (three_digits(value / unit.size, signed=column.ladder is PERCENT), has_best and value == best)
            for value in values.tolist()
        )
        lines.append(Line(title=unit.named(column.title), cells=cells, ends_group=column.ends_group))
    columns = tuple((str(label), series_style(position).color) for position, label in enumerate(frame.index))
    return Headline(columns=columns, lines=tuple(lines))
