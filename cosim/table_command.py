"""``cosim table``: runs that are there, compared again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.entries import entries

if TYPE_CHECKING:
    from analysis.comparison.targets import Target

Baseline = Annotated[str | None, typer.Option(help="label to compare the others with; else the first", metavar="LABEL")]
TargetText = Annotated[
    str | None,
    typer.Option("--target", help="perplexity=120 or accuracy=0.4; else the best all reach", metavar="METRIC=VALUE"),
]


def table(
    folders: Annotated[list[str], typer.Argument(help="folders with runs in them or below", metavar="DIR...")],
    baseline: Baseline = None,
    target: TargetText = None,
    out: Annotated[Path | None, typer.Option(help="folder for table.csv, table.tex and paired.csv; else none")] = None,
) -> None:
    """Compare runs that are there: a table over seeds, time to target, paired differences."""
    from analysis import load  # noqa: PLC0415
    from analysis.comparison.comparison import compare, write_csv  # noqa: PLC0415
    from analysis.comparison.latex import write_latex  # noqa: PLC0415
    from analysis.comparison.terminal import print_comparison  # noqa: PLC0415

    try:
        comparison = compare(load(*folders), baseline=baseline, target=_target(target))
        print_comparison(comparison, Console())
        if out is not None:
            write_csv(comparison, out)
            write_latex(comparison, out / "table.tex")
    except (ValueError, OSError) as error:
        raise ScenarioError(str(error)) from error


def checked_target(scenario: Scenario, baseline: str | None, target: str | None) -> Target | None:
    """The target of a comparison that is yet to run.

    Raises:
        ScenarioError: the scenario has no scheme of the baseline's label, or no run will know the metric.
    """
    labels = [entry.label for entry in entries(scenario)]
    if baseline is not None and baseline not in labels:
        raise ScenarioError(f"--baseline {baseline}: not one of {', '.join(labels)}")
    wanted = _target(target)
    if wanted is not None and scenario.execution == "analytic":
        raise ScenarioError(f"--target {target}: an analytic run learns nothing; --execution deferred does")
    if wanted is not None and wanted.metric == "perplexity" and scenario.model.classifies:
        raise ScenarioError(f"--target {target}: of classes there is no perplexity; expected accuracy=NUMBER")
    return wanted


def _target(text: str | None) -> Target | None:
    from analysis.comparison.targets import parse_target  # noqa: PLC0415

    try:
        return parse_target(text) if text is not None else None
    except ValueError as error:
        raise ScenarioError(f"--{error}") from error
