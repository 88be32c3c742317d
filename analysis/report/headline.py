"""The headline of a report: the comparison of its runs, in the colours of the figures."""

from analysis.comparison.comparison import compare
from analysis.comparison.sheet import Sheet, main_sheet, paired_sheet
from analysis.comparison.targets import METRICS
from analysis.figures.style import series_style
from analysis.load import Results


def headline(results: Results) -> tuple[Sheet, Sheet]:
    """The comparison of those runs that have a summary, and the paired differences, if there are several seeds."""
    summarised = results.where(lambda run: bool(run.summary))
    if not len(summarised):
        return Sheet(columns=(), lines=()), Sheet(columns=(), lines=())
    comparison = compare(summarised)
    return main_sheet(comparison), paired_sheet(comparison)


def colors(results: Results) -> dict[str, str]:
    """The colour of each series in the figures; empty where these lack some of the runs, and so have other colours."""
    learned = {bool(run.rounds[list(METRICS)].notna().any(axis=None)) for run in results}
    if len(learned) > 1 or not all(run.summary and not run.events.empty for run in results):
        return {}
    return {label: series_style(position).color for position, label in enumerate(results.series)}
