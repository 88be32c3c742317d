"""``cosim trace``: a run as a timeline for the Perfetto viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from cosim.scenario import ScenarioError

VIEWER = "https://ui.perfetto.dev"


def trace(
    folder: Annotated[Path, typer.Argument(help="folder of a run", metavar="DIR")],
    out: Annotated[Path | None, typer.Option(help="file; else DIR/trace.json; compressed if it ends in .gz")] = None,
) -> None:
    """Write what happened when, for a timeline viewer: a track a node and link, messages as arrows, counters."""
    from analysis import load  # noqa: PLC0415 - pandas, for no other command
    from analysis.trace.events import write_trace  # noqa: PLC0415

    try:
        runs = load(folder)
        if len(runs) > 1:
            raise ValueError(f"{folder}: has {len(runs)} runs ({', '.join(runs.names)}); expected the folder of one")
        file = out or runs[0].path / "trace.json"
        count = write_trace(runs[0], file)
    except ValueError as error:
        raise ScenarioError(str(error)) from error
    except OSError as error:
        raise ScenarioError(f"{error.filename}: cannot be written ({error.strerror})") from error
    typer.echo(f"{count} events, {decimal(file.stat().st_size)} in {file}; open it in {VIEWER}")
