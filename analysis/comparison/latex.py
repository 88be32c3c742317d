r"""A comparison as a LaTeX table: ``\usepackage{booktabs}`` and ``\input{table.tex}`` are all that a document needs."""

from collections.abc import Iterable
from pathlib import Path

from analysis.comparison.comparison import Comparison
from analysis.comparison.sheet import Cell, Sheet, main_sheet
from analysis.files import whole_file

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "<": "$<$",
    ">": "$>$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "–": "--",
    **{character: f"{{{character}}}" for character in "[]*"},
}
"""How each character is written that LaTeX would not print as it is; after a line's end the last three are options."""


def write_latex(comparison: Comparison, path: Path) -> None:
    """Write the comparison as a ``tabular``; the file appears whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(latex(main_sheet(comparison)), encoding="utf-8")


def latex(sheet: Sheet) -> str:
    """A ``tabular`` of booktabs: marked values bold, intervals small in a row of their own, notes as comments."""
    notes = [f"Bold: {sheet.mark}", *sheet.notes] if sheet.mark else sheet.notes
    lines = [f"% {' '.join(note.split())}" for note in notes]
    lines += [rf"\begin{{tabular}}{{l{'r' * len(sheet.columns)}}}", r"\toprule"]
    lines += [_row("", map(escaped, sheet.columns)), r"\midrule"]
    for line in sheet.lines:
        lines.append(_row(escaped(line.title), (_value(cell) for cell in line.cells)))
        if any(cell.interval for cell in line.cells):
            lines.append(_row("", (_small(cell.interval) for cell in line.cells)))
        if line.ends_group and line is not sheet.lines[-1]:
            lines.append(r"\midrule")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def escaped(text: str) -> str:
    """``text`` so that LaTeX prints it as it is, on one line."""
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))


def _row(title: str, cells: Iterable[str]) -> str:
    return " & ".join([title, *cells]) + r" \\"


def _value(cell: Cell) -> str:
    text = _number(cell.text)
    return rf"\textbf{{{text}}}" if cell.marked else text


def _small(interval: str) -> str:
    return rf"{{\footnotesize {_number(interval)}}}" if interval else ""


def _number(text: str) -> str:
    """With minus signs instead of hyphens."""
    return escaped(text).replace("-", "$-$") if text != "–" else "--"
