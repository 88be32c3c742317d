"""The headline of a report: the comparison as rows of cells."""

from dataclasses import dataclass

from analysis.comparison import COLUMNS, comparison_table
from analysis.load import Results
from analysis.overview import LEARNED
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
    """A table: a column a series of runs, with its label and colour, and a line a quantity that any of them has.

    The colour is that of the figures; empty where figures lack some of the runs, and so have other colours.
    """

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
    colors = [series_style(position).color if _in_all_figures(results) else "" for position in range(len(frame))]
    columns = tuple(zip((str(label) for label in frame.index), colors, strict=True))
    return Headline(columns=columns, lines=tuple(lines))


def _in_all_figures(results: Results) -> bool:
    """Whether a run's place, and so its colour, is the same in the table and in all figures."""
    learned = {bool(run.rounds[list(LEARNED)].notna().any(axis=None)) for run in results}
    return len(learned) == 1 and all(run.summary and not run.events.empty for run in results)
