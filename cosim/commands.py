"""The commands, each thin: read the scenario, call the library, say where the results are.

Only the standard library, the scenario models and the terminal are imported here at once; torch, pandas and matplotlib
come when a command needs them, so that help and checks answer at once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cosim import (
    cache_command,
    calibrate_command,
    plot_command,
    registry,
    report_command,
    reproduce_command,
    search_command,
    sweep_command,
    table_command,
    trace_command,
)
from cosim.every_command import (
    Overrides,
    Quiet,
    ScenarioFile,
    Seeds,
    Workers,
    conclude,
    read_scenario,
    run_all,
    writable,
)
from cosim.scenario import ScenarioError
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
application.command()(sweep_command.sweep)
application.command()(calibrate_command.calibrate)
application.command()(search_command.search)
application.command()(reproduce_command.reproduce)
application.command()(trace_command.trace)
application.command()(report_command.report)

Out = Annotated[Path | None, typer.Option(help="folder for the results; else runs/NAME")]
Seed = Annotated[int | None, typer.Option(help="seed in place of the scenario's")]
Execution = Annotated[str | None, typer.Option(help="deferred, eager: train; analytic: delays and costs")]


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

    read = read_scenario(scenario, overrides, seed, execution)
    entry = entries(read)[0]
    folder = writable(out or Path("runs") / read.name)
    keeping = Keeping(folder)
    with RunsProgress([entry.label], [entry.options.rounds], quiet=quiet) as progress:
        seen = Telling(lambda row: progress.seen(entry.label, row), lambda: progress.waits(entry.label))
        runner.run(read, entry, [keeping, seen, *trackers(read, folder)])
    from analysis.figures import pictures  # noqa: PLC0415

    pictures.show(folder, typer.echo)
    conclude({entry.label: keeping.summary}, folder)


@application.command()
def compare(
    scenario: ScenarioFile,
    overrides: Overrides = [],  # noqa: B006
    out: Out = None,
    seed: Seed = None,
    seeds: Seeds = None,
    baseline: table_command.Baseline = None,
    target: table_command.TargetText = None,
    execution: Execution = None,
    workers: Workers = None,
    quiet: Quiet = False,
) -> None:
    """Run every scheme of the scenario under common random numbers; tables and pictures."""
    from cosim import comparison  # noqa: PLC0415

    if seed is not None and seeds is not None:
        raise ScenarioError(f"--seed {seed} --seeds {seeds}: expected one of them")
    read = read_scenario(scenario, overrides, seed, execution)
    wanted = table_command.checked_target(read, baseline, target)
    folder = out or Path("runs") / read.name
    planned = comparison.plan(read, parse_seeds(seeds) if seeds is not None else [read.seed], folder)
    outcomes = run_all(read, planned, folder, workers, quiet=quiet, wanted_then="analysis.overview")
    summaries = {run.name: outcome for run, outcome in zip(planned, outcomes, strict=True) if outcome is not None}
    standing = baseline if baseline in {summary["label"] for summary in summaries.values()} else None
    done = [run.folder for run in planned if run.name in summaries]
    from analysis import overview  # noqa: PLC0415

    try:
        overview.show(folder, done, Console(), baseline=standing, target=wanted)
    except (ValueError, OSError) as error:  # the runs stay, whatever cannot be shown of them
        typer.echo(f"no table and pictures: {error}", err=True)
    conclude(summaries, folder, not_begun=len(outcomes) - len(summaries))


@application.command()
def validate(scenario: ScenarioFile, overrides: Overrides = []) -> None:  # noqa: B006
    """Check a scenario file without running it."""
    read = read_scenario(scenario, overrides)
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
