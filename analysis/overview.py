"""All that a comparison leaves at once: the table on the screen and as CSV, the pictures with the numbers they draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from analysis.comparison.comparison import compare, write_csv
from analysis.comparison.latex import write_latex
from analysis.comparison.targets import Target
from analysis.comparison.terminal import print_comparison
from analysis.figures.pictures import draw_all
from analysis.load import load


def show(
    folder: Path,
    runs: Sequence[Path],
    console: Console,
    *,
    baseline: str | None = None,
    target: Target | None = None,
) -> None:
    """Print the comparison of these ``runs``, and write its tables and pictures into ``folder``.

    The pictures are those that the scenario names. Without runs there is nothing to show.
    """
    if not runs:
        return
    results = load(*runs)
    comparison = compare(results, baseline=baseline, target=target)
    print_comparison(comparison, console)
    write_csv(comparison, folder)
    write_latex(comparison, folder / "table.tex")
    draw_all(results, folder, lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True))
