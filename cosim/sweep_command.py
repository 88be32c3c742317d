"""``cosim sweep``: one scenario at many points, by several workers, into one table."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from cosim import libraries
from cosim.every_command import Overrides, Quiet, ScenarioFile, read_scenario, writable
from cosim.scenario.loading import read_tree

if TYPE_CHECKING:
    from cosim.sweep.points import Point
    from cosim.sweep.request import Request
    from cosim.sweep.resources import Share
    from cosim.sweep.sweep import Swept

Vary = Annotated[
    list[str],
    typer.Option(
        help="key=5MHz,10MHz or key=10:100:10 (without 100) or key=lin(1,9,5) or log(...)", metavar="KEY=VALUES"
    ),
]
Zip = Annotated[bool, typer.Option("--zip", help="the first values together, then the second; else each with each")]
Samples = Annotated[int | None, typer.Option(min=1, help="so many points at random; else all")]
Compare = Annotated[bool, typer.Option("--compare", help="every scheme of the compare: list at each point")]
PointSeeds = Annotated[str | None, typer.Option(help="of each point, several: 0:5 (0 to 4) or 0,3,7", metavar="SEEDS")]
PointWorkers = Annotated[int | None, typer.Option(min=1, help="points at a time; else by cores and free memory")]
Out = Annotated[Path | None, typer.Option(help="folder for the results; else runs/NAME-sweep")]


def sweep(
    scenario: ScenarioFile,
    vary: Vary = [],  # noqa: B006 - typer reads it, nobody changes it
    zip_values: Zip = False,
    seeds: PointSeeds = None,
    samples: Samples = None,
    compare: Compare = False,
    overrides: Overrides = [],  # noqa: B006
    out: Out = None,
    workers: PointWorkers = None,
    quiet: Quiet = False,
) -> None:
    """Run the scenario at many points, and draw what came out; what is there already is not run again."""
    from cosim.sweep import figures  # noqa: PLC0415
    from cosim.sweep.beside import beside_others  # noqa: PLC0415 - other commands do without
    from cosim.sweep.points import points  # noqa: PLC0415
    from cosim.sweep.progress import PointsProgress  # noqa: PLC0415
    from cosim.sweep.request import request  # noqa: PLC0415
    from cosim.sweep.resources import share  # noqa: PLC0415
    from cosim.sweep.sweep import sweep as run  # noqa: PLC0415

    read = read_scenario(scenario, overrides)
    wanted = request(read.sweep, vary, zipped=zip_values, samples=samples, seeds=seeds, compare=compare)
    folder = out or Path("runs") / f"{read.name}-sweep"
    settings = wanted.settings(read.seed)
    tree = read_tree(scenario, overrides)
    planned = beside_others(points(tree, str(scenario), settings, folder / "points", compare=wanted.compare))
    writable(folder / "points")
    figures.note(figures.figures(read, wanted), folder)
    room = share(workers, read, len(planned))
    _announce(wanted, planned, room)
    with PointsProgress(len(planned), quiet=quiet) as progress:
        Thread(target=libraries.load, args=("analysis.figures.sweep",), daemon=True).start()
        done = run(planned, folder, room, progress)
    if done.done:
        from analysis.figures import pictures  # noqa: PLC0415

        pictures.show(folder, typer.echo)
    _conclude(done, len(planned), folder)


def _announce(wanted: Request, planned: list[Point], room: Share) -> None:
    from cosim.sweep.request import said  # noqa: PLC0415

    for key, values in wanted.varied.items():
        typer.echo(f"{key}: {said(values)}")
    threads = room.threads(room.workers)
    cores = f"{threads} core{'s' if threads > 1 else ''} each"
    why = f" ({room.reason})" if room.reason else ""
    typer.echo(f"{len(planned)} points, {room.workers} at a time, {cores}{why}")


def _conclude(done: Swept, points: int, folder: Path) -> None:
    for name, problem in done.failed.items():
        typer.echo(f"{name}: failed: {problem}", err=True)
    if done.there_before:
        typer.echo(f"{done.there_before} of {points} points were there before")
    if done.interrupted:
        typer.echo(f"interrupted with {done.done} of {points} points done; the same command goes on from there")
    typer.echo(f"results in {folder}")
    if done.interrupted or done.failed:
        raise typer.Exit(1)
