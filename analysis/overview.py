"""All that a comparison leaves at once: the table on the screen and as CSV, the pictures with the numbers they draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from analysis.comparison import comparison_table, print_table, to_csv
from analysis.load import load
from analysis.pictures import draw_all


def show(folder: Path, labels: Sequence[str], console: Console) -> None:
    """Print the table of the runs ``folder/LABEL``, and write table and pictures into ``folder``.

    The pictures are those that the scenario names. Without runs there is nothing to show.
    """
    if not labels:
        return
    results = load(*(folder / label for label in labels))
    table = comparison_table(results)
    print_table(table, console)
    to_csv(table, folder / "table.csv")
    draw_all(results, folder, lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True))
