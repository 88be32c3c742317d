"""The commands, each thin: read the scenario, call the library, say where the results are.

Only the standard library, the scenario models and the terminal are imported here at once; torch, pandas and matplotlib
come when a command needs them, so that help and checks answer at once.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cosim import cache_command, libraries, plot_command, registry, report_command, table_command, trace_command
from cosim.scenario import Scenario, ScenarioError, load_scenario
from cosim.scenario.entries import entries
from cosim.scenario.schema import json_schema
from cosim.seeds import parse_seeds

application = typer.Typer(
    help="Co-simulator for fine-tuning language models over wireless networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

application.add_typer(cache_command.application, name="cache")
application.command()(plot_command.plot)
application.command()(table_command.table)
application.command()(trace_command.trace)
application.command()(report_command.report)

ScenarioFile = Annotated[Path, typer.Argument(help="scenario file (YAML)", metavar="SCENARIO")]
Overrides = Annotated[list[str], typer.Option("--set", help="override a key: users.count=20, compare.0.rounds=3")]
Out = Annotated[Path | None, typer.Option(help="folder for the results; else runs/NAME")]
Seed = Annotated[int | None, typer.Option(help="seed in place of the scenario's")]
Execution = Annotated[str | None, typer.Option(help="deferred, eager: train; analytic: delays and costs")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress bars")]


@application.command()
def run(
    scenario: ScenarioFile,
    overrides: Overrides = [],  # noqa: B006 - typer reads it, nobody changes it
    out: Out = None,
    seed: Seed = None,
    execution: Execution = None,
    quiet: Quiet = False,
) -> None:
    """Run the scenario's scheme once; pictures."""
    from cosim import runner  # noqa: PLC0415
    from cosim.progress import RunsProgress  # noqa: PLC0415
    from cosim.tracking.callback import Telling  # noqa: PLC0415
    from cosim.tracking.keeping import Keeping  # noqa: PLC0415
    from cosim.tracking.tracker import trackers  # noqa: PLC0415

    read = _read(scenario, overrides, seed, execution)
    entry = entries(read)[0]
    folder = _writable(out or Path("runs") / read.name)
    keeping = Keeping(folder)
    with RunsProgress([entry.label], [entry.options.rounds], quiet=quiet) as progress:
        seen = Telling(lambda row: progress.seen(entry.label, row))
        runner.run(read, entry, [keeping, seen, *trackers(read, folder)])
    from analysis.figures import pictures  # noqa: PLC0415

    pictures.show(folder, typer.echo)
    _conclude({entry.label: keeping.summary}, folder)


@application.command()
def compare(
    scenario: ScenarioFile,
    overrides: Overrides = [],  # noqa: B006
    out: Out = None,
    seed: Seed = None,
    seeds: Annotated[str | None, typer.Option(help="several: 0:5 (0 to 4) or 0,3,7", metavar="SEEDS")] = None,
    baseline: table_command.Baseline = None,
    target: table_command.TargetText = None,
    execution: Execution = None,
    workers: Annotated[int | None, typer.Option(min=1, help="runs at a time; else one a core")] = None,
    quiet: Quiet = False,
) -> None:
    """Run every scheme of the scenario under common random numbers; tables and pictures."""
    from cosim import comparison  # noqa: PLC0415
    from cosim.progress import RunsProgress  # noqa: PLC0415

    if seed is not None and seeds is not None:
        raise ScenarioError(f"--seed {seed} --seeds {seeds}: expected one of them")
    read = _read(scenario, overrides, seed, execution)
    wanted = table_command.checked_target(read, baseline, target)
    folder = out or Path("runs") / read.name
    planned = comparison.plan(read, parse_seeds(seeds) if seeds is not None else [read.seed], folder)
    for place in (folder, *(run.folder for run in planned)):
        _writable(place)
    comparison.make_way(planned)
    comparison.note_order(planned, folder)
    with RunsProgress([run.name for run in planned], [run.rounds for run in planned], quiet=quiet) as progress:
        Thread(target=libraries.load, args=("analysis.overview",), daemon=True).start()  # wanted when the runs are done
        outcomes = comparison.compare(read, planned, workers, progress.seen)
    summaries = {run.name: outcome for run, outcome in zip(planned, outcomes, strict=True) if outcome is not None}
    standing = baseline if baseline in {summary["label"] for summary in summaries.values()} else None
    done = [run.folder for run in planned if run.name in summaries]
    from analysis import overview  # noqa: PLC0415

    try:
        overview.show(folder, done, Console(), baseline=standing, target=wanted)
    except ValueError as error:  # the runs stay, whatever cannot be shown of them
        typer.echo(f"no table and pictures: {error}", err=True)
    _conclude(summaries, folder, not_begun=len(outcomes) - len(summaries))


@application.command()
def validate(scenario: ScenarioFile, overrides: Overrides = []) -> None:  # noqa: B006
    """Check a scenario file without running it."""
    read = _read(scenario, overrides)
    names = ", ".join(entry.label for entry in entries(read))
    typer.echo(f"{scenario}: {read.name} is valid ({names})")


@application.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    typer.echo(json.dumps(json_schema(), indent=2))


@application.command("list")
def list_names(
    kind: Annotated[str | None, typer.Argument(help="a family of parts, or figures; else all")] = None,
) -> None:
    """Print what a scenario can name."""
    from analysis.figures.kinds import KINDS  # noqa: PLC0415 - no figure is drawn

    known = [*registry.FAMILIES, "figures"]
    if kind is not None and kind not in known:
        raise ScenarioError(f"list {kind}: not one of {', '.join(known)}")
    table = Table("kind", "name", "what it is", box=None)
    for family in [kind] if kind else registry.FAMILIES:
        for name in registry.FAMILIES.get(family, ()):
            table.add_row(family, name, registry.summary(family, name))
    if kind in (None, "figures"):
        for name, wish in KINDS.items():
            table.add_row("figures", name, wish.__doc__)
    Console().print(table)


def _read(path: Path, overrides: list[str], seed: int | None = None, execution: str | None = None) -> Scenario:
    extra = [f"{key}={value}" for key, value in (("seed", seed), ("execution", execution)) if value is not None]
    return _with_figures(path, load_scenario(path, [*overrides, *extra]))


def _with_figures(path: Path, scenario: Scenario) -> Scenario:
    """The scenario with all options of its figures written out, once they are known to be right."""
    if scenario.figures is None:
        return scenario
    from analysis.figures import kinds  # noqa: PLC0415 - no figure is drawn yet

    resolved: list[dict[str, Any]] = []
    for number, given in enumerate(scenario.figures):
        try:
            resolved.append(kinds.written(kinds.read(given)))
        except ValueError as error:
            raise ScenarioError(f"{path}: figures.{number}: {error}") from error
    return scenario.model_copy(update={"figures": tuple(resolved)})


def _writable(folder: Path) -> Path:
    """``folder``, made if need be and tried, so that no run is lost for want of a place to keep it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder):
            return folder
    except OSError as error:
        raise ScenarioError(f"--out {folder}: cannot be written ({error.strerror}); expected a folder") from error


def _conclude(summaries: dict[str, dict[str, Any]], folder: Path, not_begun: int = 0) -> None:
    """Say where the results are, which runs diverged, and what an interrupted run has kept."""
    for name, summary in summaries.items():
        if summary["diverged_in_round"] is not None:
            typer.echo(f"{name}: diverged in round {summary['diverged_in_round']}")
    cut_short = {name: summary for name, summary in summaries.items() if not summary["finished"]}
    for name, summary in cut_short.items():
        typer.echo(f"{name}: interrupted, kept {summary['rounds']} of its rounds")
    if not_begun:
        typer.echo(f"interrupted before {not_begun} of the runs had begun")
    typer.echo(f"results in {folder}")
    if cut_short or not_begun:
        raise typer.Exit(1)
