"""Figures of any kind drawn, and saved together with the numbers they show."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.canvas import Drawn
from analysis.figures.kinds import Wish
from analysis.files import whole_file
from analysis.load import Results

UNDATED = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Formats a figure is written in, each with the metadata left out so that equal figures are equal files."""


def draw(results: Results, wish: Wish) -> Drawn:
    """The figure that somebody wants of `results`, in the project's style.

    Raises ValueError, one line, if the runs have not what it would show.
    """
    drawn: Callable[[Results, Wish], Drawn] = import_module(wish.module).drawn
    with style.applied():
        return drawn(results, wish)


def save(figure: Figure, data: pd.DataFrame, path: Path | str) -> None:
    """Write `figure` to `path` (.png, .svg or .pdf) and `data` beside it as CSV; each appears whole or not at all.

    Raises ValueError for another suffix.
    """
    target = Path(path)
    kind = target.suffix.removeprefix(".").lower()
    if kind not in UNDATED:
        raise ValueError(f"{target}: cannot write a figure as {target.suffix!r}; use .png, .svg or .pdf")
    with whole_file(target) as picture, whole_file(target.with_suffix(".csv")) as table:
        data.to_csv(table, index=False)
        with style.applied():
            figure.savefig(picture, format=kind, metadata=UNDATED[kind])
