"""Run folders read back: one `Result` a folder, checked on arrival so that no table or figure meets a broken file."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

ROUND_COLUMNS = (
    "round", "sim_time_s", "train_loss", "loss", "perplexity", "accuracy", "uplink_bytes", "downlink_bytes",
    "backhaul_bytes", "user_energy_j", "edge_energy_j", "cloud_energy_j",
)  # fmt: skip
EVENT_COLUMNS = (
    "start_s", "end_s", "node", "act", "kind", "reason", "round", "step", "user", "bytes", "activation_bytes",
    "gradient_bytes", "adapter_bytes", "label_bytes", "model_bytes", "flops", "energy_j",
)  # fmt: skip
MEMORY_COLUMNS = ("node", "role", "kind", "peak_bytes")
LINKS_COLUMNS = (
    "time_s", "user", "edge", "serving", "x_m", "y_m", "signal_dbm", "uplink_bps", "downlink_bps",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """One finished run.

    `rounds` has one row a round (round 0 is the state before training) with cumulative bytes and energy, `events` one
    row an activity, `memory` one row per node and kind of memory. `summary` is `summary.json` as it stands. `links` has
    one row a sample of a radio link, if the run sampled them.
    """

    path: Path
    summary: dict[str, Any]
    rounds: pd.DataFrame
    events: pd.DataFrame
    memory: pd.DataFrame
    links: pd.DataFrame | None = None

    @property
    def label(self) -> str:
        """The run's name in tables and figures."""
        return str(self.summary["label"])

    def total(self, *keys: str) -> float:
        """Number at `keys` of the summary, as in `total("energy_j", "user")`; NaN where the run recorded null.

        Raises ValueError if the summary has no such number.
        """
        value: Any = self.summary
        for key in keys:
            value = value.get(key, "missing") if isinstance(value, dict) else "missing"
        if value is None:
            return float("nan")
        if not isinstance(value, int | float):
            raise ValueError(f"{self.path / 'summary.json'}: {'.'.join(keys)} is {value!r}, not a number or null")
        return float(value)


def load(path: Path | str) -> Result:
    """The run in the folder `path`.

    Raises ValueError naming the file that is missing or unreadable, or the column or key it lacks.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; give the folder of a finished run")
    return Result(
        path=folder,
        summary=_read_summary(folder / "summary.json"),
        rounds=_read_table(folder / "rounds.parquet", ROUND_COLUMNS),
        events=_read_table(folder / "events.parquet", EVENT_COLUMNS),
        memory=_read_table(folder / "memory.parquet", MEMORY_COLUMNS),
        links=_read_table(folder / "links.parquet", LINKS_COLUMNS) if (folder / "links.parquet").is_file() else None,
    )


def load_all(folder: Path | str, labels: Sequence[str] | None = None) -> list[Result]:
    """The run in `folder`, or every run in the folders just below it, by name.

    With `labels`, exactly the runs `folder/LABEL`, in that order. Raises ValueError if there is no run, or as `load`.
    """
    root = Path(folder)
    if labels is not None:
        return [load(root / label) for label in labels]
    if _is_run(root):
        return [load(root)]
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder; give a run folder or a folder of runs")
    runs = sorted(child for child in root.iterdir() if _is_run(child))
    if not runs:
        raise ValueError(f"{root}: no run here or one level below; a finished run holds a summary.json")
    return [load(run) for run in runs]


def by_label(results: Iterable[Result]) -> dict[str, Result]:
    """The results under the names tables and figures show, in the given order; equal labels get their folder's name.

    Raises ValueError if there are no results or two cannot be told apart.
    """
    given = list(results)
    if not given:
        raise ValueError("results: none given; at least one run is needed")
    count = Counter(result.label for result in given)
    named: dict[str, Result] = {}
    for result in given:
        label = result.label if count[result.label] == 1 else f"{result.label} ({result.path.name})"
        if label in named:
            raise ValueError(f"results: {named[label].path} and {result.path} are both {label!r}; label them apart")
        named[label] = result
    return named


def _is_run(folder: Path) -> bool:
    return (folder / "summary.json").is_file()


def _read_summary(file: Path) -> dict[str, Any]:
    _require(file)
    try:
        summary = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: not readable as JSON ({error})") from error
    if not isinstance(summary, dict) or not isinstance(summary.get("label"), str):
        raise ValueError(f"{file}: expected an object with the run's label, a string")
    return summary


def _read_table(file: Path, columns: Sequence[str]) -> pd.DataFrame:
    _require(file)
    try:
        table = pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: not readable as Parquet ({str(error).splitlines()[0]})") from error
    if missing := [column for column in columns if column not in table.columns]:
        raise ValueError(f"{file}: lacks the column(s) {', '.join(missing)}")
    return table


def _require(file: Path) -> None:
    if not file.is_file():
        raise ValueError(f"{file}: missing; the run did not finish or this is not a run folder")
