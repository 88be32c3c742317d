"""All that a comparison leaves at once: the table on the screen and as CSV, the pictures with the numbers they draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from analysis.bars import delay_data
from analysis.comparison import compare, write_csv
from analysis.curves import learning_data
from analysis.figures import comparison_data, comparison_figure, delay_by_kind, learning_curve, save
from analysis.latex import write_latex
from analysis.load import load
from analysis.targets import METRICS, Target
from analysis.terminal import print_comparison


def show(
    folder: Path,
    runs: Sequence[Path],
    console: Console,
    *,
    baseline: str | None = None,
    target: Target | None = None,
) -> None:
    """Print the comparison of these ``runs``, and write its tables and pictures into ``folder``.

    Runs that computed no values, such as analytic ones, have no learning curve; an earlier comparison's is removed.
    Without runs there is nothing to show.
    """
    if not runs:
        return
    results = load(*runs)
    comparison = compare(results, baseline=baseline, target=target)
    print_comparison(comparison, console)
    write_csv(comparison, folder)
    write_latex(comparison, folder / "table.tex")
    save(delay_by_kind(results), delay_data(results), folder / "delay.png")
    for name in (*METRICS, "comparison"):
        for suffix in (".png", ".csv"):
            (folder / name).with_suffix(suffix).unlink(missing_ok=True)
    for y in METRICS:
        if all(result.rounds[y].notna().any() for result in results):
            save(learning_curve(results, y=y), learning_data(results, y=y), folder / f"{y}.png")
            save(comparison_figure(results, y), comparison_data(results, y), folder / "comparison.png")
            return
