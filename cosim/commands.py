"""The commands, each thin: read the scenario, call the library, say where the results are.

Only the standard library, the scenario models and the terminal are imported here at once; torch, pandas and matplotlib
come when a command needs them, so that help and checks answer at once.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cosim import cache_command, plot_command, registry
from cosim.scenario import Scenario, ScenarioError, load_scenario
from cosim.scenario.entries import entries
from cosim.scenario.schema import json_schema

application = typer.Typer(
    help="Co-simulator for fine-tuning language models over wireless networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

application.add_typer(cache_command.application, name="cache")
application.command()(plot_command.plot)

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
    from analysis import pictures  # noqa: PLC0415
    from cosim import results, runner  # noqa: PLC0415
    from cosim.progress import RunsProgress  # noqa: PLC0415

    read = _read(scenario, overrides, seed, execution)
    entry = entries(read)[0]
    folder = _writable(out or Path("runs") / read.name)
    with RunsProgress([entry.label], [entry.options.rounds], quiet=quiet) as progress:
        done = runner.run(read, entry, lambda row: progress.seen(entry.label, row))
        summary = results.write(done, folder)
    pictures.show(folder, typer.echo)
    _conclude([summary], folder)


@application.command()
def compare(
    scenario: ScenarioFile,
    overrides: Overrides = [],  # noqa: B006
    out: Out = None,
    seed: Seed = None,
    execution: Execution = None,
    workers: Annotated[int | None, typer.Option(min=1, help="runs at a time; else one a core")] = None,
    quiet: Quiet = False,
) -> None:
    """Run every scheme of the scenario under common random numbers; table and pictures."""
    from analysis import overview  # noqa: PLC0415
    from cosim import comparison  # noqa: PLC0415
    from cosim.progress import RunsProgress  # noqa: PLC0415

    read = _read(scenario, overrides, seed, execution)
    found = entries(read)
    labels, folder = [entry.label for entry in found], _writable(out or Path("runs") / read.name)
    for label in labels:
        _writable(folder / label)
    with RunsProgress(labels, [entry.options.rounds for entry in found], quiet=quiet) as progress:
        outcomes = comparison.compare(read, folder, workers, progress.seen)
    summaries = [summary for summary in outcomes if summary is not None]
    overview.show(folder, [summary["label"] for summary in summaries], Console())
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
    from analysis.kinds import KINDS  # noqa: PLC0415 - no figure is drawn

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
    from analysis import kinds  # noqa: PLC0415 - no figure is drawn yet

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


def _conclude(summaries: list[dict[str, Any]], folder: Path, not_begun: int = 0) -> None:
    """Say where the results are, which runs diverged, and what an interrupted run has kept."""
    for summary in summaries:
        if summary["diverged_in_round"] is not None:
            typer.echo(f"{summary['label']}: diverged in round {summary['diverged_in_round']}")
    cut_short = [summary for summary in summaries if not summary["finished"]]
    for summary in cut_short:
        typer.echo(f"{summary['label']}: interrupted, kept {summary['rounds']} of its rounds")
    if not_begun:
        typer.echo(f"interrupted before {not_begun} of the runs had begun")
    typer.echo(f"results in {folder}")
    if cut_short or not_begun:
        raise typer.Exit(1)
