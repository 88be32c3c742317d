"""``cosim reproduce``: the numbers and figures of a paper beside ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cosim import registry
from cosim.every_command import Quiet, Workers, read_scenario, run_all, writable
from cosim.scenario import ScenarioError
from cosim.seeds import parse_seeds

if TYPE_CHECKING:
    from analysis.result import Result
    from cosim.reproduce.papers.base import Experiment, Figure, Paper
    from cosim.reproduce.row import Row
    from cosim.reproduce.training import LearningCurve, Trained
    from cosim.scenario import Scenario

_SEEDS, _ONE_SEED = "0:3", "0"

Name = Annotated[str, typer.Argument(help=f"the paper: {', '.join(registry.FAMILIES['papers'])}", metavar="PAPER")]
Data = Annotated[Path | None, typer.Option(help="folder of labelled tables, for the experiments that need some")]
Out = Annotated[Path | None, typer.Option(help="folder for figures and rows; else runs/reproduce-PAPER")]


def reproduce(
    paper: Name,
    quick: Annotated[
        bool, typer.Option("--quick", help="for a look: fewer points, one seed, shorter training")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the rows as JSON, and nothing else")] = False,
    sfllm: Annotated[bool, typer.Option("--sfllm", help="fedsllm's successor in its place: the paper sfllm")] = False,
    out: Out = None,
    workers: Workers = None,
    data: Data = None,
    quiet: Quiet = False,
) -> None:
    """Do a paper's experiments again: its numbers beside ours, its figures, and real training."""
    if sfllm and paper != "fedsllm":
        raise ScenarioError(f"reproduce {paper} --sfllm: expected fedsllm, whose successor it is")
    name = "sfllm" if sfllm else paper
    found = _paper(name)
    experiments = _experiments(found, data, quick=quick, shown=not as_json)
    scenarios = {name: _scenario(experiment, data, quick=quick) for name, experiment in experiments.items()}
    folder = writable(out or Path("runs") / f"reproduce-{name.replace(':', '-')}")
    theory = found.theory(folder, quick=quick)
    for figure in theory.figures:
        _draw(figure, folder)
    rows = [*theory.rows]
    for experiment, scenario in scenarios.items():
        below, baseline = folder / "training" / experiment, experiments[experiment].baseline
        trained = _trained(scenario, baseline, below, quick, workers, quiet=quiet or as_json, shown=not as_json)
        rows += [] if trained is None else found.learned(trained, experiment)
    _write_rows(rows, folder)
    if as_json:
        typer.echo(json.dumps({"rows": [row.as_json() for row in rows]}, indent=2))
    else:
        _print(rows)
        typer.echo(f"results in {folder}")


def _paper(name: str) -> Paper:
    try:
        paper: Paper = registry.find("papers", name)()
    except ValueError as error:
        raise ScenarioError(f"reproduce {name}: {error}") from error
    return paper


def _experiments(paper: Paper, data: Path | None, *, quick: bool, shown: bool) -> dict[str, Experiment]:
    """Those that can be done, by their names; for a look, those that are small enough."""
    found = {name: each for name, each in paper.experiments.items() if not quick or each.quickly is not None}
    without = [name for name, each in found.items() if each.data and data is None]
    if without and shown:
        files = sorted({file for name in without for file in found[name].data.values()})
        typer.echo(f"left out for want of --data, a folder with {', '.join(files)}: {', '.join(without)}", err=True)
    return {name: each for name, each in found.items() if name not in without}


def _scenario(experiment: Experiment, data: Path | None, *, quick: bool) -> Scenario:
    """Whose schemes are trained."""
    from cosim.reproduce.training import PAPERS  # noqa: PLC0415

    file = PAPERS / experiment.scenario
    if not file.is_file():
        raise ScenarioError(f"{file}: not there; expected the scenarios of the project beside its packages")
    paths = {key: (data or Path()) / below for key, below in experiment.data.items()}
    missing = [path for path in paths.values() if not path.is_file()]
    if missing:
        raise ScenarioError(f"--data {data}: expected a folder that has {missing[0].relative_to(data or Path())}")
    files = [f"{key}={json.dumps(str(path.resolve()))}" for key, path in paths.items()]
    quickly = experiment.quickly or () if quick else ()
    return read_scenario(file, [*files, *experiment.overrides, *quickly])


def _trained(
    scenario: Scenario, baseline: str, folder: Path, quick: bool, workers: int | None, *, quiet: bool, shown: bool
) -> Trained | None:
    """What the schemes of a scenario learn on common seeds, None where that cannot be told; the command ends if it is
    interrupted."""
    from cosim import comparison  # noqa: PLC0415

    planned = comparison.plan(scenario, parse_seeds(_ONE_SEED if quick else _SEEDS), folder)
    outcomes = run_all(scenario, planned, folder, workers, quiet=quiet, wanted_then="analysis.overview")
    if not all(outcome is not None and outcome["finished"] for outcome in outcomes):
        typer.echo("interrupted: what was trained is kept, and found again", err=True)
        raise typer.Exit(1)
    try:
        return _seen(baseline, folder, [run.folder for run in planned], shown=shown)
    except ValueError as error:  # the runs stay, whatever cannot be shown of them
        typer.echo(f"no table and pictures: {error}", err=True)
        return None


def _seen(baseline: str, folder: Path, runs: Sequence[Path], *, shown: bool) -> Trained:
    """Tables and pictures of the runs, and what they have learned."""
    from analysis import load, overview  # noqa: PLC0415
    from analysis.comparison.comparison import compare  # noqa: PLC0415
    from cosim.reproduce.training import Trained  # noqa: PLC0415

    overview.show(folder, runs, Console(quiet=not shown), baseline=baseline)
    compared = compare(load(*runs), baseline=baseline)
    seconds = compared.table["time_to_target_s"]
    return Trained(
        target=str(compared.target),
        seconds_to_target={str(label): float(took) for label, took in seconds.items()},
        curves={label: [_curve(run) for run in series] for label, series in compared.results.series.items()},
    )


def _curve(run: Result) -> LearningCurve:
    from cosim.reproduce.training import LearningCurve  # noqa: PLC0415

    points = run.rounds.dropna(subset="loss")
    air_bytes = points["uplink_bytes"] + points["downlink_bytes"]
    return LearningCurve(
        rounds=points["round"].tolist(),
        samples=points["samples"].tolist(),
        loss=points["loss"].tolist(),
        accuracy=points["accuracy"].tolist(),
        seconds=points["sim_time_s"].tolist(),
        air_bytes=air_bytes.tolist(),
    )


def _draw(figure: Figure, folder: Path) -> None:
    """Into ``folder``, with its numbers beside it."""
    import pandas as pd  # noqa: PLC0415

    from analysis import load  # noqa: PLC0415
    from analysis.figures import kinds  # noqa: PLC0415
    from analysis.figures.drawing import draw, save  # noqa: PLC0415
    from cosim.reproduce.papers.base import TableFigure  # noqa: PLC0415

    if isinstance(figure, TableFigure):
        stem, drawn = figure.stem, import_module(figure.module).drawn(pd.DataFrame(figure.table))
    else:
        wish = kinds.read(figure.wish)
        stem, drawn = wish.stem, draw(load(*figure.runs), wish)
    save(drawn.figure, drawn.data, folder / f"{stem}.png")


def _write_rows(rows: Sequence[Row], folder: Path) -> None:
    from cosim.results import appearing, json_text  # noqa: PLC0415

    with appearing(folder / "rows.json") as path:
        path.write_text(json_text({"rows": [row.as_json() for row in rows]}), encoding="utf-8")


def _print(rows: Sequence[Row]) -> None:
    """A table for each experiment."""
    for group in dict.fromkeys(row.group for row in rows):
        table = Table(
            "", "paper", "expected", "ours", "", "within", "source", box=None, title=group, title_justify="left"
        )
        for row in [row for row in rows if row.group == group]:
            near = "" if row.tolerance is None else f" ± {row.tolerance:.2g}"
            said = ["" if value is None else f"{value:.5g}{near}" for value in (row.paper, row.expected)]
            judged = {True: "yes", False: "NO", None: ""}[row.within]
            table.add_row(row.name, *said, f"{row.ours:.5g}", row.unit, judged, row.known)
        Console().print(table)
    outside = sum(row.within is False for row in rows)
    if outside:
        typer.echo(f"{outside} of {sum(row.within is not None for row in rows)} are not within their tolerance")
