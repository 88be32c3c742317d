"""What several commands take and do: the scenario they read, the folder they write to, the runs they wait for."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cosim import libraries
from cosim.own_folder import claim
from cosim.scenario import Scenario, ScenarioError, load_scenario

if TYPE_CHECKING:
    from cosim.comparison import Planned, Summary

ScenarioFile = Annotated[Path, typer.Argument(help="scenario file (YAML)", metavar="SCENARIO")]
Overrides = Annotated[list[str], typer.Option("--set", help="override a key: users.count=20, compare.0.rounds=3")]
Seeds = Annotated[str | None, typer.Option(help="several: 0:5 (0 to 4) or 0,3,7", metavar="SEEDS")]
Workers = Annotated[int | None, typer.Option(min=1, help="runs at a time; else one a core")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress bars")]


def read_scenario(path: Path, overrides: list[str], seed: int | None = None, execution: str | None = None) -> Scenario:
    """The scenario with all options of its figures written out, once they are known to be right.

    Raises:
        ScenarioError: as ``load_scenario``, and for figures that cannot be drawn.
    """
    extra = [f"{key}={value}" for key, value in (("seed", seed), ("execution", execution)) if value is not None]
    scenario = load_scenario(path, [*overrides, *extra])
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


def writable(folder: Path, *, shared: bool = False) -> Path:
    """``folder``, made if need be and tried, so that no run is lost for want of a place; no other process writes there
    meanwhile, unless it is ``shared``.

    Raises:
        ScenarioError: it cannot be written, or another process writes there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder):
            if not shared:
                claim(folder)
            return folder
    except OSError as error:
        raise ScenarioError(f"--out {folder}: cannot be written ({error.strerror}); expected a folder") from error


def run_all(
    scenario: Scenario,
    planned: Sequence[Planned],
    folder: Path,
    workers: int | None,
    *,
    quiet: bool,
    wanted_then: str,
) -> list[Summary | None]:
    """Run all that is planned below ``folder``, under progress bars, and return the summaries (``comparison.compare``).

    The module ``wanted_then``, with what is to be done next, is imported meanwhile.

    Raises:
        ScenarioError: a folder cannot be written, or holds what cannot be moved out of the way.
    """
    from cosim import comparison  # noqa: PLC0415
    from cosim.progress import RunsProgress  # noqa: PLC0415

    for place in (folder, *(run.folder for run in planned)):
        writable(place)
    comparison.make_way(planned)
    comparison.note_order(planned, folder)
    with RunsProgress([run.name for run in planned], [run.rounds for run in planned], quiet=quiet) as progress:
        Thread(target=libraries.load, args=(wanted_then,), daemon=True).start()
        return comparison.compare(scenario, planned, workers, progress.seen)


def conclude(summaries: Mapping[str, Summary], folder: Path, not_begun: int = 0) -> None:
    """Say where the results are, and what befell the runs: some had too few rounds; those that diverged or were
    interrupted have kept what they had, with exit status 1."""
    for name, summary in summaries.items():
        if summary["divergence"]:
            typer.echo(f"{name}: {summary['divergence']}")
        plan = summary["plan"]
        if plan and plan["rounds"] < plan["rounds_needed"]:
            typer.echo(f"{name}: {plan['rounds']} of the {plan['rounds_needed']} rounds that it needs (scheme.rounds)")
    cut_short = {name: summary for name, summary in summaries.items() if not summary["finished"]}
    for name, summary in cut_short.items():
        typer.echo(f"{name}: interrupted, kept {summary['rounds']} of its rounds")
    if not_begun:
        typer.echo(f"interrupted before {not_begun} of the runs had begun")
    typer.echo(f"results in {folder}")
    if cut_short or not_begun or any(summary["divergence"] for summary in summaries.values()):
        raise typer.Exit(1)
