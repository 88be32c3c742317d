"""``cosim report``: runs as one page for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from cosim.scenario import ScenarioError


def report(
    folders: Annotated[list[Path], typer.Argument(help="folders of runs, or with runs below", metavar="DIR...")],
    out: Annotated[Path | None, typer.Option(help="file; else report.html in the first folder, or here")] = None,
) -> None:
    """Write one page that holds all there is to see of runs: table, figures, timeline, memory, scenario, origin."""
    from analysis import load  # noqa: PLC0415 - pandas and matplotlib, for no other command
    from analysis.report.page import write_report  # noqa: PLC0415

    file = out or (folders[0] if folders[0].is_dir() else Path()) / "report.html"
    try:
        write_report(load(*folders), file)
    except ValueError as error:
        raise ScenarioError(str(error)) from error
    except OSError as error:
        raise ScenarioError(f"--out {file}: cannot be written ({error.strerror})") from error
    typer.echo(f"{decimal(file.stat().st_size)} in {file}; it needs no network")
