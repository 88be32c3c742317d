"""``cosim search``: which rank and density of a scheme's messages are worth their bytes, by short trials."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cosim.every_command import Overrides, Quiet, ScenarioFile, read_scenario, writable
from cosim.scenario import ScenarioError
from cosim.scenario.entries import entries
from cosim.scenario.quantities import BITS

if TYPE_CHECKING:
    from cosim.rank_density import Setting, Trial
    from cosim.runner import Run
    from cosim.scenario import Scenario

_BITS_A_BYTE = 8

Rank = Annotated[int, typer.Option(min=1, help="the smallest, with which the search begins")]
Density = Annotated[str, typer.Option(help="the smallest, 0.01 or 1/64")]
Rounds = Annotated[int, typer.Option(min=1, help="of each trial")]
Budget = Annotated[
    str | None, typer.Option(help="of a user's messages in a round, both ways: 1 Mbit; else none", metavar="BITS")
]
Out = Annotated[Path | None, typer.Option(help="folder for the results; else runs/NAME-search")]


def search(
    scenario: ScenarioFile,
    overrides: Overrides = [],  # noqa: B006 - typer reads it, nobody changes it
    rank: Rank = 1,
    density: Density = "1/64",
    rounds: Rounds = 20,
    budget: Budget = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Find a rank and a density for sparse messages: double one or the other, whichever learns better."""
    from cosim import rank_density  # noqa: PLC0415

    read = read_scenario(scenario, overrides)
    begin = rank_density.Setting(rank=rank, density=_share(density))
    most_bytes = _most_bytes(budget)
    rank_density.trial_of(read, begin, rounds)
    bench = Bench(read, rounds, writable(out or Path("runs") / f"{read.name}-search"), quiet=quiet)
    if not bench.fits(begin, most_bytes):
        raise ScenarioError(f"--budget {budget}: {begin.name} takes {bench.nbytes(begin) * _BITS_A_BYTE:,.0f} bit")
    trials = rank_density.search(begin, bench.score, lambda setting: bench.fits(setting, most_bytes))
    bench.conclude(trials)


class Bench:
    """Runs trials and remembers what they were like."""

    def __init__(self, scenario: Scenario, rounds: int, folder: Path, *, quiet: bool) -> None:
        self.scenario = scenario
        self.rounds = rounds
        self.folder = folder
        self.metric = "accuracy" if scenario.model.classifies else "loss"
        self._quiet = quiet
        self._bytes: dict[Setting, float] = {}

    def fits(self, setting: Setting, most_bytes: float) -> bool:
        """Whether a user's messages in a round take no more."""
        return self.nbytes(setting) <= most_bytes

    def nbytes(self, setting: Setting) -> float:
        """What a user sends and receives in a round, on average, by an analytic run."""
        if setting not in self._bytes:
            done = self._run(setting, analytic=True)
            radio = [a for a in done.world.recorder.activities if a.kind in ("uplink", "downlink")]
            turns = {(a.user, a.round) for a in radio}
            self._bytes[setting] = sum(a.bytes for a in radio) / len(turns)
        return self._bytes[setting]

    def score(self, setting: Setting) -> float:
        """What the setting has learned when its trial is over: accuracy, or the loss with its sign turned."""
        done = self._run(setting)
        if not done.finished:
            raise typer.Exit(1)
        value: float = done.observer.rows[-1][self.metric]
        if not self._quiet:
            typer.echo(f"{setting.name}: {self.metric} {value:.4g}")
        return value if self.metric == "accuracy" else -value

    def conclude(self, trials: list[Trial]) -> None:
        """Tell the trials, and leave them in ``search.json``."""
        from cosim.results import appearing, json_text  # noqa: PLC0415

        table = Table("rank", "density", self.metric, "bytes a user and round", "", box=None)
        content = []
        for trial in trials:
            value, nbytes = abs(trial.score), self.nbytes(trial.setting)
            rank, density = trial.setting.rank, str(trial.setting.density)
            table.add_row(str(rank), density, f"{value:.4g}", f"{nbytes:,.0f}", "taken" if trial.taken else "")
            content.append(
                {"rank": rank, "density": density, self.metric: value, "bytes": nbytes, "taken": trial.taken}
            )
        with appearing(self.folder / "search.json") as path:
            path.write_text(json_text({"name": self.scenario.name, "trials": content}), encoding="utf-8")
        Console().print(table)
        typer.echo(f"results in {self.folder}")

    def _run(self, setting: Setting, *, analytic: bool = False) -> Run:
        from cosim import runner  # noqa: PLC0415 - with torch
        from cosim.rank_density import trial_of  # noqa: PLC0415
        from cosim.tracking.keeping import Keeping  # noqa: PLC0415

        trial = trial_of(self.scenario, setting, self.rounds)
        if analytic:
            trial = trial.model_copy(update={"execution": "analytic"})
        (entry,) = entries(trial)
        kept = [] if analytic else [Keeping(writable(self.folder / entry.label))]
        return runner.run(trial, entry, kept)


def _share(text: str) -> Fraction:
    from training.compression.density import read_density  # noqa: PLC0415

    try:
        return read_density("", text)
    except ValueError:
        raise ScenarioError(f"--density {text}: expected a share above 0 and up to 1, such as 1/64") from None


def _most_bytes(budget: str | None) -> float:
    if budget is None:
        return float("inf")
    try:
        return BITS.read(budget) / _BITS_A_BYTE
    except ValueError as error:
        raise ScenarioError(f"--budget {budget}: {error}") from error
