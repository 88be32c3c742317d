"""``cosim sweep``: one scenario at many points, by several workers, into one table."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cosim import libraries
from cosim.every_command import Overrides, Quiet, ScenarioFile, read_scenario, writable
from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.loading import read_tree

if TYPE_CHECKING:
    from cosim.sweep.crew import Crew
    from cosim.sweep.points import Point
    from cosim.sweep.resources import Share
    from cosim.sweep.standing import Part, Standing
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
PointWorkers = Annotated[
    int | None, typer.Option(min=1, help="points at a time, or jobs of a script; else by cores and memory")
]
Out = Annotated[Path | None, typer.Option(help="folder for the results; else runs/NAME-sweep")]
Backend = Annotated[Literal["local", "ray"], typer.Option(help="workers on this machine, or in a cluster of Ray")]
Address = Annotated[
    str | None, typer.Option(help="of a cluster of Ray, or auto; else one on this machine", metavar="HOST:PORT")
]
PartOf = Annotated[str | None, typer.Option(help="one of so many parts, each run by itself: 1/4", metavar="K/N")]
Script = Annotated[
    Path | None, typer.Option(help="run nothing; write this script, which runs the sweep as an array job of SLURM")
]


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
    backend: Backend = "local",
    address: Address = None,
    part: PartOf = None,
    script: Script = None,
    quiet: Quiet = False,
) -> None:
    """Run the scenario at many points, and draw what came out; what is there already is not run again."""
    from cosim.sweep import figures  # noqa: PLC0415
    from cosim.sweep.beside import beside_others  # noqa: PLC0415 - other commands do without
    from cosim.sweep.points import points  # noqa: PLC0415
    from cosim.sweep.request import request, said  # noqa: PLC0415
    from cosim.sweep.standing import standing  # noqa: PLC0415

    if address is not None and backend != "ray":
        raise ScenarioError(f"--address {address}: only --backend ray has one")
    if script is not None and (backend != "local" or part is not None):
        raise ScenarioError(f"--script {script}: its jobs have parts and backend of their own; leave those options out")
    chosen = _part(part)
    read = read_scenario(scenario, overrides)
    wanted = request(read.sweep, vary, zipped=zip_values, samples=samples, seeds=seeds, compare=compare)
    folder = out or Path("runs") / f"{read.name}-sweep"
    settings = wanted.settings(read.seed)
    tree = read_tree(scenario, overrides)
    planned = beside_others(points(tree, str(scenario), settings, folder / "points", compare=wanted.compare))
    writable(folder / "points", shared=True)  # by the jobs of an array; points are claimed one by one
    figures.note(figures.figures(read, wanted), folder)
    for key, values in wanted.varied.items():
        typer.echo(f"{key}: {said(values)}")
    if script is not None:
        options = _again(
            scenario, vary, overrides, zip_values=zip_values, samples=samples, seeds=seeds, compare=compare
        )
        _write(script, options, read, planned, folder, workers)
        return
    begun = standing(planned, folder, chosen)
    crew = _crew(backend, address, workers, read, begun.to_run)
    _run(begun, crew, quiet=quiet)


def _part(given: str | None) -> Part:
    from cosim.sweep.standing import WHOLE, Part  # noqa: PLC0415

    if given is None:
        return WHOLE
    number, slash, of = given.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise ScenarioError(f"--part {given}: expected one of so many, such as 1/4")
    return Part(int(number), int(of))


def _crew(backend: str, address: str | None, workers: int | None, scenario: Scenario, points: int) -> Crew:
    """Those who run so many points; a cluster is not asked for none."""
    if backend == "ray" and points:
        from cosim.sweep.ray_crew import RayCrew  # noqa: PLC0415

        return RayCrew(address, workers, scenario, points)
    from cosim.sweep.local_crew import LocalCrew  # noqa: PLC0415
    from cosim.sweep.resources import share  # noqa: PLC0415

    return LocalCrew(share(workers, scenario, points))


def _run(begun: Standing, crew: Crew, *, quiet: bool) -> None:
    from cosim.sweep.progress import PointsProgress  # noqa: PLC0415
    from cosim.sweep.sweep import sweep as run  # noqa: PLC0415

    if begun.to_run:
        _announce(begun, crew.share)
    with PointsProgress(begun.wanted, quiet=quiet) as progress:
        Thread(target=libraries.load, args=("analysis.figures.sweep",), daemon=True).start()
        done = run(begun, crew, progress)
    if done.done:
        from analysis.figures import pictures  # noqa: PLC0415

        pictures.show(begun.folder, typer.echo)
    _conclude(done, begun)


def _announce(begun: Standing, room: Share) -> None:
    threads = room.threads(room.workers)
    cores = f"{threads} core{'s' if threads > 1 else ''} each"
    why = f" ({room.reason})" if room.reason else ""
    of_them = f" of the {len(begun.points)}" if begun.wanted < len(begun.points) else ""
    typer.echo(f"{begun.wanted}{of_them} points, {room.workers} at a time, {cores}{why}")


def _conclude(done: Swept, begun: Standing) -> None:
    for name, problem in done.failed.items():
        typer.echo(f"{name}: failed: {problem}", err=True)
    if done.there_before:
        typer.echo(f"{done.there_before} of {begun.wanted} points were there before")
    if done.interrupted:
        typer.echo(f"interrupted with {done.done} of {begun.wanted} points done; the same command goes on from there")
    typer.echo(f"results in {begun.folder}")
    if done.interrupted or done.failed:
        raise typer.Exit(1)


def _again(
    scenario: Path,
    vary: list[str],
    overrides: list[str],
    *,
    zip_values: bool,
    samples: int | None,
    seeds: str | None,
    compare: bool,
) -> list[str]:
    """The options that ask for the same points."""
    options = [str(scenario)]
    options += [word for text in vary for word in ("--vary", text)]
    options += [word for text in overrides for word in ("--set", text)]
    options += ["--zip"] if zip_values else []
    options += ["--compare"] if compare else []
    options += ["--samples", str(samples)] if samples is not None else []
    options += ["--seeds", seeds] if seeds is not None else []
    return options


def _write(
    script: Path, options: list[str], scenario: Scenario, planned: list[Point], out: Path, wanted: int | None
) -> None:
    from cosim.sweep.families import families  # noqa: PLC0415
    from cosim.sweep.resources import need_bytes  # noqa: PLC0415
    from cosim.sweep.script import array_script, jobs  # noqa: PLC0415

    count = jobs(len(families(planned)), wanted)
    writable(out / "jobs", shared=True)
    try:
        script.write_text(
            array_script(f"{scenario.name}-sweep", options, out, count, need_bytes(scenario)), encoding="utf-8"
        )
    except OSError as error:
        raise ScenarioError(f"--script {script}: cannot be written ({error.strerror}); expected a file") from error
    typer.echo(f"{len(planned)} points in {count} job{'s' if count > 1 else ''}, each of which trains what is its own")
    typer.echo(f"nothing is run yet: sbatch {script}")
