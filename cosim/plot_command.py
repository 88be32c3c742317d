"""``cosim plot``: a figure of results that are there, for a paper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cosim.scenario import ScenarioError

if TYPE_CHECKING:
    from analysis import Results
    from analysis.figures.kinds import Wish

Folders = Annotated[list[str], typer.Argument(help="folders of runs, or with runs below; patterns", metavar="DIR...")]
Kind = Annotated[str | None, typer.Option(help="kind of figure (see cosim list figures); else by the other options")]
Out = Annotated[Path | None, typer.Option(help="file (.pdf, .svg, .png); else into the first folder, as .png")]


def plot(
    folders: Folders,
    kind: Kind = None,
    x: Annotated[str | None, typer.Option(help="column of the rounds, or a setting that was varied")] = None,
    y: Annotated[str | None, typer.Option(help="column, number of the summary, or second setting")] = None,
    hue: Annotated[str | None, typer.Option(help="sweep: the setting that tells lines apart")] = None,
    value: Annotated[str | None, typer.Option(help="heatmap: number of the summary")] = None,
    of: Annotated[str | None, typer.Option(help="cdf: round or user")] = None,
    run: Annotated[str | None, typer.Option(help="gantt, map, signals: label or folder of one run")] = None,
    number: Annotated[int | None, typer.Option("--round", help="gantt: which round")] = None,
    rate: Annotated[str | None, typer.Option(help="map: uplink or downlink")] = None,
    user: Annotated[int | None, typer.Option(help="signals: which user")] = None,
    out: Out = None,
) -> None:
    """Draw a figure of results, or all that their scenario names; the numbers go beside it as CSV."""
    given = {"x": x, "y": y, "hue": hue, "value": value, "of": of, "run": run, "rate": rate, "user": user}
    options = {name: said for name, said in (given | {"round": number}).items() if said is not None}
    with _one_line():
        from analysis import load  # noqa: PLC0415 - pandas and matplotlib
        from analysis.figures.drawing import draw, save  # noqa: PLC0415

        results = load(*folders)
        if wish := _wish(results, kind, options):
            drawn = draw(results, wish)
            target = out or _folder(folders) / f"{wish.stem}.png"
            save(drawn.figure, drawn.data, target)
            typer.echo(f"{target}, and its numbers in {target.with_suffix('.csv')}")
        else:
            _draw_named(results, _folder(folders), out)


def _wish(results: Results, kind: str | None, options: dict[str, Any]) -> Wish | None:
    """The figure that is meant, if one is."""
    from analysis.figures import kinds  # noqa: PLC0415

    if kind is None and not options:
        return None
    settings = {key for run in results for key in run.settings}
    return kinds.read({"kind": kind or kinds.guessed(options, settings), **options})


def _draw_named(results: Results, folder: Path, out: Path | None) -> None:
    from analysis.figures.pictures import draw_all  # noqa: PLC0415

    if out is not None:
        raise ValueError(f"--out {out}: one file for all the figures that the scenario names; say which by --kind")
    for picture in draw_all(results, folder, typer.echo):
        typer.echo(picture)


def _folder(folders: list[str]) -> Path:
    """The first folder, to draw into; of a pattern, the folder that it stands in."""
    first = Path(folders[0])
    return first if first.is_dir() else next(parent for parent in first.parents if parent.is_dir())


@contextmanager
def _one_line() -> Iterator[None]:
    """What the user can mend is told in one line."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise ScenarioError(f"plot: {' '.join(str(error).split())}") from error
