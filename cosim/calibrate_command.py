"""``cosim calibrate``: how fast a scenario's scheme converges, by pilot runs."""

from __future__ import annotations

from math import inf
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

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
from cosim.seeds import parse_seeds

if TYPE_CHECKING:
    from cosim.calibration import Calibration, Interval
    from cosim.comparison import Planned
    from cosim.pilot import Curves
    from cosim.scenario import Scenario

_SIGN = "loss="

Steps = Annotated[str, typer.Option(help="local steps a round, of one run each (and seed)", metavar="STEPS")]
Rounds = Annotated[
    str | None, typer.Option(help="of each run: 24, or 24,12,6 by its steps; else the scheme's", metavar="ROUNDS")
]
LossTarget = Annotated[
    str | None, typer.Option(help="loss=3.2, held-out; else the best that all runs reach", metavar="loss=VALUE")
]
Out = Annotated[Path | None, typer.Option(help="folder for the results; else runs/NAME-calibration")]


def calibrate(
    scenario: ScenarioFile,
    overrides: Overrides = [],  # noqa: B006 - typer reads it, nobody changes it
    steps: Steps = "1,2,4,8,16",
    rounds: Rounds = None,
    target: LossTarget = None,
    out: Out = None,
    seeds: Seeds = None,
    workers: Workers = None,
    quiet: Quiet = False,
) -> None:
    """Find a and v of the learning model, by runs of the scheme with different numbers of local steps."""
    from cosim import comparison  # noqa: PLC0415
    from cosim.pilot import parse_runs, pilot  # noqa: PLC0415 - SciPy

    wanted = None if target is None else _loss(target)
    given = read_scenario(scenario, overrides)
    read = pilot(given, parse_runs(steps, rounds))
    folder = out or Path("runs") / f"{read.name}-calibration"
    planned = comparison.plan(read, parse_seeds(seeds) if seeds is not None else [read.seed], folder)
    for suffix in ("json", "png", "csv"):  # of other runs than those that will be there
        (writable(folder) / f"calibration.{suffix}").unlink(missing_ok=True)
    outcomes = run_all(read, planned, folder, workers, quiet=quiet, wanted_then="analysis.figures.calibration")
    summaries = {run.name: outcome for run, outcome in zip(planned, outcomes, strict=True) if outcome is not None}
    if len(summaries) == len(planned) and all(summary["finished"] for summary in summaries.values()):
        _conclude_calibration(given, _curves(planned), wanted, folder)
        _draw(planned, folder)
    conclude(summaries, folder, not_begun=len(planned) - len(summaries))


def _loss(text: str) -> float:
    try:
        value = float(text.removeprefix(_SIGN)) if text.startswith(_SIGN) else None
    except ValueError:
        value = None
    if value is None or not 0.0 < value < float("inf"):
        raise ScenarioError(f"--target {text}: expected {_SIGN}NUMBER, such as {_SIGN}3.2")
    return value


def _curves(planned: list[Planned]) -> Curves:
    """The held-out losses that the runs have left."""
    from analysis.result import Result  # noqa: PLC0415 - pandas

    found = {}
    for run in planned:
        result = Result(run.folder)
        steps = int(result.scenario["scheme"]["local_steps"])
        found[steps, run.seed] = [float(loss) for loss in result.rounds["loss"]]
    return found


def _conclude_calibration(scenario: Scenario, curves: Curves, wanted: float | None, folder: Path) -> None:
    """Fit, tell and write.

    Raises:
        ScenarioError: a run does not reach the target, or has no need to.
    """
    from cosim import calibration, pilot  # noqa: PLC0415
    from cosim.results import appearing, json_text  # noqa: PLC0415

    target = pilot.common_target(curves) if wanted is None else wanted
    try:
        found = calibration.calibrate(pilot.points_to(curves, target))
    except ValueError as error:
        raise ScenarioError(f"target {_SIGN}{target:.4g}: {error}") from error
    of = {"name": scenario.name, "scheme": scenario.scheme["name"], "target": {"loss": target}}
    with appearing(folder / "calibration.json") as path:
        path.write_text(json_text(of | found.content()), encoding="utf-8")
    _tell(found, target)


def _tell(found: Calibration, target: float) -> None:
    table = Table("local steps a round", f"rounds until the loss is {target:.4g}", "by the fit", box=None)
    for steps in sorted({point.steps for point in found.points}):
        rounds = fmean(point.rounds for point in found.points if point.steps == steps)
        fitted = found.model.rounds(found.model.accuracy(steps))
        table.add_row(str(steps), f"{rounds:.4g}", f"{fitted:.4g}")
    Console().print(table)
    typer.echo(f"a = {found.model.a:.4g}{_between(found.a_interval)}, of rounds")
    typer.echo(f"v = {found.model.v:.4g}{_between(found.v_interval)}, of local iterations, a mini-batch each")
    typer.echo(f"R2 = {found.r2:.4f}, of the logarithm of rounds")
    for note in found.notes:
        typer.echo(note)
    typer.echo(f"convergence: {{a: {found.model.a:.4g}, v: {found.model.v:.4g}}}")


def _between(interval: Interval | None) -> str:
    from cosim.calibration import CONFIDENCE  # noqa: PLC0415

    if interval is None or interval == (0.0, inf):
        return ""
    low, high = interval
    ends = f"at least {low:.4g}" if high == inf else f"{low:.4g} to {high:.4g}" if low else f"at most {high:.4g}"
    return f" ({CONFIDENCE:.0%}: {ends})"


def _draw(planned: list[Planned], folder: Path) -> None:
    """The figure of it; the calibration stays, whatever becomes of that."""
    from analysis import load  # noqa: PLC0415 - matplotlib
    from analysis.figures.drawing import draw, save  # noqa: PLC0415
    from analysis.figures.kinds import Calibration as Wish  # noqa: PLC0415

    try:
        wish = Wish()
        drawn = draw(load(*(run.folder for run in planned)), wish)
        save(drawn.figure, drawn.data, folder / f"{wish.stem}.png")
    except (ValueError, OSError) as error:
        typer.echo(f"no figure: {error}", err=True)
