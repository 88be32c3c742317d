"""``cosim reproduce``: the numbers and figures of a paper beside ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cosim.every_command import Quiet, Workers, read_scenario, run_all, writable
from cosim.scenario import ScenarioError
from cosim.seeds import parse_seeds

if TYPE_CHECKING:
    from cosim.reproduce.curve import Curve
    from cosim.reproduce.row import Row

_DROPS, _FEW_DROPS = 100, 20
_SEED = 0
_SEEDS, _ONE_SEED = "0:3", "0"
_BEST = "optimum"


class System(StrEnum):
    """Of which paper."""

    FEDSLLM = "fedsllm"


Out = Annotated[Path | None, typer.Option(help="folder for figures and rows; else runs/reproduce-SYSTEM")]


def reproduce(
    system: Annotated[System, typer.Argument(help="the paper")],
    quick: Annotated[bool, typer.Option("--quick", help="in under a minute: fewer points, one seed")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the rows as JSON, and nothing else")] = False,
    sfllm: Annotated[bool, typer.Option("--sfllm", help="fedsllm's successor, SflLLM, in its place")] = False,
    out: Out = None,
    workers: Workers = None,
    quiet: Quiet = False,
) -> None:
    """Do a paper's experiments again: its numbers beside ours, its figures, and real training."""
    folder = writable(out or Path("runs") / f"reproduce-{'sfllm' if sfllm else system}")
    if sfllm:
        rows = _sfllm(folder, quick)
    else:
        rows = [*_theory(folder, quick), *_training(folder, quick, workers, quiet=quiet or as_json, shown=not as_json)]
    _write_rows(rows, folder)
    if as_json:
        typer.echo(json.dumps({"rows": [row.as_json() for row in rows]}, indent=2))
    else:
        _print(rows)
        typer.echo(f"results in {folder}")


def _theory(folder: Path, quick: bool) -> list[Row]:
    """The numbers of the paper's formulas."""
    from cosim.reproduce import fedsllm  # noqa: PLC0415 - SciPy

    powers_dbm = fedsllm.POWERS_DBM[::5] if quick else fedsllm.POWERS_DBM
    _draw(fedsllm.curves(_FEW_DROPS if quick else _DROPS, _SEED), folder)
    return fedsllm.rows(powers_dbm, _DROPS, _SEED)


def _sfllm(folder: Path, quick: bool) -> list[Row]:
    from cosim.reproduce import sfllm  # noqa: PLC0415

    setting = sfllm.Setting()
    work = sfllm.work(setting)
    _draw(sfllm.curves(setting, work, _FEW_DROPS if quick else _DROPS, _SEED), folder)
    return sfllm.rows(setting, work, _DROPS, _SEED)


def _training(folder: Path, quick: bool, workers: int | None, *, quiet: bool, shown: bool) -> list[Row]:
    """The schemes of the paper's scenario on common seeds; without rows if it is interrupted."""
    from cosim import comparison  # noqa: PLC0415
    from cosim.reproduce import training  # noqa: PLC0415

    file = training.PAPERS / "fedsllm.yaml"
    if not file.is_file():
        raise ScenarioError(f"{file}: not there; expected the scenarios of the project beside its packages")
    scenario = read_scenario(file, list(training.QUICKLY) if quick else [])
    below = folder / "training"
    planned = comparison.plan(scenario, parse_seeds(_ONE_SEED if quick else _SEEDS), below)
    outcomes = run_all(scenario, planned, below, workers, quiet=quiet, wanted_then="analysis.overview")
    summaries = {run.name: outcome for run, outcome in zip(planned, outcomes, strict=True) if outcome is not None}
    if len(summaries) < len(planned) or not all(summary["finished"] for summary in summaries.values()):
        typer.echo("interrupted: what was trained is kept, and found again", err=True)
        raise typer.Exit(1)
    return _compared(below, [run.folder for run in planned], shown=shown)


def _compared(folder: Path, runs: Sequence[Path], *, shown: bool) -> list[Row]:
    """Tables and pictures of the runs, and how long each scheme takes to learn as much as all do."""
    from analysis import load, overview  # noqa: PLC0415
    from analysis.comparison.comparison import compare  # noqa: PLC0415
    from cosim.reproduce import training  # noqa: PLC0415

    try:
        overview.show(folder, runs, Console(quiet=not shown), baseline=_BEST)
        compared = compare(load(*runs), baseline=_BEST)
    except ValueError as error:  # the runs stay, whatever cannot be shown of them
        typer.echo(f"no table and pictures: {error}", err=True)
        return []
    seconds = {str(label): float(took) for label, took in compared.table["time_to_target_s"].items()}
    return training.rows(seconds, str(compared.target), int(compared.table["seeds"].max()), _BEST)


def _draw(curves: Sequence[Curve], folder: Path) -> None:
    import pandas as pd  # noqa: PLC0415

    from analysis.figures import study  # noqa: PLC0415
    from analysis.figures.drawing import save  # noqa: PLC0415
    from cosim.reproduce.curve import rows_of  # noqa: PLC0415

    drawn = study.drawn(pd.DataFrame(rows_of(curves)))
    save(drawn.figure, drawn.data, folder / "delay.png")


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
            said = ["" if value is None else f"{value:.4g}{near}" for value in (row.paper, row.expected)]
            judged = {True: "yes", False: "NO", None: ""}[row.within]
            table.add_row(row.name, *said, f"{row.ours:.4g}", row.unit, judged, row.known)
        Console().print(table)
    outside = sum(row.within is False for row in rows)
    if outside:
        typer.echo(f"{outside} of {sum(row.within is not None for row in rows)} are not within their tolerance")
