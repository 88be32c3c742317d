"""What several commands take and do: the scenario they read, the folder they write to."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from cosim.scenario import Scenario, ScenarioError, load_scenario

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


def writable(folder: Path) -> Path:
    """``folder``, made if need be and tried, so that no run is lost for want of a place to keep it.

    Raises:
        ScenarioError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder):
            return folder
    except OSError as error:
        raise ScenarioError(f"--out {folder}: cannot be written ({error.strerror}); expected a folder") from error
