"""All that a comparison leaves at once: the table on the screen and as CSV, the pictures with the numbers they draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from analysis.bars import delay_data
from analysis.comparison import comparison_table, print_table, to_csv
from analysis.curves import learning_data
from analysis.figures import comparison_data, comparison_figure, delay_by_kind, learning_curve, save
from analysis.load import load

LEARNED = ("perplexity", "accuracy")
"""What learning is shown by: the first of these that the runs recorded. Of classes there is no perplexity."""


def show(folder: Path, labels: Sequence[str], console: Console) -> None:
    """Print the table of the runs ``folder/LABEL``, and write table and pictures into ``folder``.

    Runs that computed no values, such as analytic ones, have no learning curve; an earlier comparison's is removed.
    Without runs there is nothing to show.
    """
    if not labels:
        return
    results = load(*(folder / label for label in labels))
    table = comparison_table(results)
    print_table(table, console)
    to_csv(table, folder / "table.csv")
    save(delay_by_kind(results), delay_data(results), folder / "delay.png")
    for name in (*LEARNED, "comparison"):
        for suffix in (".png", ".csv"):
            (folder / name).with_suffix(suffix).unlink(missing_ok=True)
    for y in LEARNED:
        if all(result.rounds[y].notna().any() for result in results):
            save(learning_curve(results, y=y), learning_data(results, y=y), folder / f"{y}.png")
            save(comparison_figure(results, y), comparison_data(results, y), folder / "comparison.png")
            return
