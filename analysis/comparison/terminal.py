"""A comparison printed in the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.comparison.comparison import Comparison
from analysis.comparison.sheet import Cell, Sheet, main_sheet, paired_sheet

MARK = "*"


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the comparison, and below it the differences over equal seeds if there are several."""
    print_sheet(main_sheet(comparison), console)
    paired = paired_sheet(comparison)
    if paired.lines:
        print_sheet(paired, console, title="Paired differences")


def print_sheet(sheet: Sheet, console: Console, title: str | None = None) -> None:
    """Print the cells, intervals in a line of their own, and the notes below."""
    table = Table(title=title, title_justify="left")
    table.add_column("", overflow="fold")
    for place, column in enumerate(sheet.columns):
        widest = max(max(len(line.cells[place].interval), len(line.cells[place].text) + 2) for line in sheet.lines)
        table.add_column(Text(column), justify="right", overflow="fold", min_width=widest)
    for line in sheet.lines:
        table.add_row(Text(line.title), *map(_text, line.cells), end_section=line.ends_group)
    console.print(table)
    for note in [f"{MARK} {sheet.mark}", *sheet.notes] if sheet.mark else sheet.notes:
        console.print(Text(note))


def _text(cell: Cell) -> Text:
    """The value, and its interval in the line below."""
    text = Text(f"{MARK} {cell.text}", style="bold") if cell.marked else Text(cell.text)
    if cell.interval:
        text.append(f"\n{cell.interval}", style="not bold dim")
    return text
