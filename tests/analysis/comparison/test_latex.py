"""The comparison in LaTeX: a reader as strict as TeX stands in for it where there is none."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.comparison.comparison import compare
from analysis.comparison.latex import escaped, latex, write_latex
from analysis.comparison.sheet import Cell, Line, Sheet
from analysis.load import load

NASTY = r"50% & a_b #1 $x ~ ^ {c} \d [e] *f <g> “h”"
COMMANDS = {"begin", "end", "toprule", "midrule", "bottomrule", "textbf", "footnotesize", "leq", "geq"} | {
    f"text{name}" for name in ("backslash", "asciitilde", "asciicircum")
}
"""All that the table may need: LaTeX itself and booktabs."""

TOKEN = re.compile(r"\\\\|\\[a-zA-Z]+|\\.|[{}&$]|%.*|\n|.")


def rows_of(text: str) -> list[list[str]]:
    """The cells of each row, read as TeX would; fails for whatever TeX would stumble over."""
    depth, math, rows, cells, cell = 0, False, [], [], ""
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    columns = re.fullmatch(r"\\begin\{tabular\}\{(lr*)\}", lines[0])
    assert columns is not None
    assert lines[1] == r"\toprule"
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    body = "\n".join(line for line in lines[2:-2] if line != r"\midrule")
    for token in TOKEN.findall(body):
        if token == r"\\":
            assert depth == 0 and not math
            rows.append([*cells, cell.strip()])
            cells, cell = [], ""
            continue
        if token == "&":
            assert depth == 0 and not math
            cells, cell = [*cells, cell.strip()], ""
            continue
        assert token not in ("#", "_", "^", "~") and not token.startswith("%"), token
        if not cells and not cell.strip():
            assert token not in ("[", "*")  # an option of the rule or the line's end before
        if len(token) > 1 and token[1].isalpha():
            assert token[1:] in COMMANDS, token
        depth += (token == "{") - (token == "}")
        math ^= token == "$"
        assert depth >= 0
        cell += token
    assert not cell.strip() and depth == 0
    assert {len(row) for row in rows} == {len(columns[1])}
    return rows


@pytest.fixture
def table(make_run: Callable[..., Path], tmp_path: Path) -> Path:
    """Of three seeds, with labels that are no LaTeX."""
    for label, slowness in ((NASTY, 1.0), ("[plain]", 2.0)):
        for seed in range(3):
            make_run(f"{slowness}/{seed}", label=label, seed=seed, slowness=slowness * (1 + seed))
    write_latex(compare(load(tmp_path)), tmp_path / "table.tex")
    return tmp_path / "table.tex"


def test_the_file_is_a_tabular_that_tex_can_read(table: Path) -> None:
    header, *rows = rows_of(table.read_text(encoding="utf-8"))
    assert header == ["", escaped(NASTY), "{[}plain{]}"]
    titles = [row[0] for row in rows]
    assert {"Rounds", "Simulated time (min)", r"Perplexity change (\%)", "Speed-up"} <= set(titles)
    below = rows[titles.index("Simulated time (min)") + 1]
    assert below[0] == ""
    assert all(re.fullmatch(r"\{\\footnotesize \{\[\}.*, .*\{\]\}\}", cell) for cell in below[1:])
    assert not [path for path in table.parent.iterdir() if path.name.startswith(".")]


def test_best_values_are_bold_minus_signs_are_no_hyphens_and_dashes_stay() -> None:
    cells = [Cell(text="-1.5", marked=True), Cell(text="–"), Cell(text="1,200", interval="[-3, 4]")]
    sheet = Sheet(
        columns=["a", "b", "c"], lines=[Line(title="x", cells=cells, ends_group=True)], mark="best", notes=["100 % ≤ 2"]
    )
    assert latex(sheet).splitlines() == [
        "% Bold: best",
        "% 100 % ≤ 2",
        r"\begin{tabular}{lrrr}",
        r"\toprule",
        r" & a & b & c \\",
        r"\midrule",
        r"x & \textbf{$-$1.5} & -- & 1,200 \\",
        r" &  &  & {\footnotesize {[}$-$3, 4{]}} \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_a_line_that_begins_like_an_option_is_none() -> None:
    lines = [Line(title=title, cells=[Cell(text="1")]) for title in ("[2ex]", "*", "a\nb")]
    rows = rows_of(latex(Sheet(columns=["c"], lines=lines)))
    assert [row[0] for row in rows] == ["", "{[}2ex{]}", "{*}", "a b"]


@pytest.mark.parametrize(
    "broken", [r"a & b & c \\", r"a_1 & b \\", r"a & {b \\", r"[a] & b \\", r"\multicolumn & b \\", r"5% & b \\"]
)
def test_the_stand_in_for_tex_finds_mistakes(broken: str) -> None:
    good = latex(Sheet(columns=["c"], lines=[Line(title="x", cells=[Cell(text="1")])]))
    rows_of(good)
    with pytest.raises(AssertionError):
        rows_of(good.replace(r"x & 1 \\", broken))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs LaTeX")
def test_a_document_with_booktabs_alone_compiles(table: Path) -> None:
    document = table.with_name("document.tex")
    document.write_text(r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{table.tex}\end{document}")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document.name],
        cwd=table.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
