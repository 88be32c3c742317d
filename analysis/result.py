"""One run folder read back; its tables are read when they are asked for, and checked as they arrive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from analysis.settings import Setting, flat, is_number

if TYPE_CHECKING:
    import pandas as pd

ROUND_COLUMNS = (
    "round", "sim_time_s", "samples", "reports", "mean_staleness", "max_staleness", "train_loss", "loss", "perplexity",
    "accuracy", "f1", "uplink_bytes", "downlink_bytes", "backhaul_bytes", "user_energy_j", "edge_energy_j",
    "cloud_energy_j",
)  # fmt: skip
SUMS = {
    "traffic_bytes": ("uplink_bytes", "downlink_bytes", "backhaul_bytes"),
    "energy_j": ("user_energy_j", "edge_energy_j", "cloud_energy_j"),
}
"""What is over all links, or all nodes, and the columns of the rounds that it is the sum of."""

EVENT_COLUMNS = (
    "start_s", "end_s", "node", "act", "kind", "reason", "round", "step", "user", "bytes", "activation_bytes",
    "gradient_bytes", "adapter_bytes", "label_bytes", "model_bytes", "position_bytes", "flops", "energy_j",
)  # fmt: skip
MEMORY_COLUMNS = ("node", "role", "kind", "peak_bytes", "limit_bytes")
HELD_COLUMNS = ("time_s", "node", "kind", "bytes")
LINKS_COLUMNS = (
    "time_s", "user", "edge", "serving", "x_m", "y_m", "edge_x_m", "edge_y_m", "signal_dbm", "uplink_bps",
    "downlink_bps",
)  # fmt: skip

TOTAL = "total"
"""The kind of memory that is all kinds together."""

SUMMARY = "summary.json"
SCENARIO = "scenario.yaml"
UNKNOWN = float("nan")
_MOST_VALUES = 1_000_000


@dataclass(frozen=True, eq=False)
class Result:
    """A run, finished or under way: whatever its folder has by now, cut to the rounds that its summary knows of.

    A table that is not there yet is empty. A file that cannot be read, or lacks a column or key, is a ValueError that
    names it, when it is asked for.
    """

    path: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        """``summary.json`` as it stands; empty if there is none yet."""
        file = self.path / SUMMARY
        if not file.is_file():
            return {}
        summary = _read_text(file, "JSON", json.loads)
        if not isinstance(summary.get("label"), str):
            raise ValueError(f"{file}: expected an object with the run's label, a string")
        if type(summary.get("rounds", 0)) is not int:
            raise ValueError(f"{file}: rounds is {summary['rounds']!r}, not a whole number")
        return summary

    @cached_property
    def scenario(self) -> dict[str, Any]:
        """``scenario.yaml``, resolved, as it stands; empty if there is none."""
        file = self.path / SCENARIO
        return _read_text(file, "YAML", _read_yaml) if file.is_file() else {}

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """All keys of the scenario, such as ``radio.bandwidth``, in their order."""
        return flat(self.scenario)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """``provenance.json`` as it stands; empty if there is none yet."""
        file = self.path / "provenance.json"
        return _read_text(file, "JSON", json.loads) if file.is_file() else {}

    @property
    def label(self) -> str:
        """The scheme's name in tables and figures."""
        scheme = self.scenario.get("scheme") or {}
        return str(self.summary.get("label") or scheme.get("label") or scheme.get("name") or self.path.name)

    @property
    def seed(self) -> int:
        """The seed of all that was drawn."""
        seed = self.summary.get("seed", self.scenario.get("seed", 0))
        if not isinstance(seed, int):
            raise ValueError(f"{self.path}: seed is {seed!r}, not a whole number")
        return seed

    @property
    def finished(self) -> bool:
        """Whether all its rounds are here."""
        return bool(self.summary.get("finished", False))

    @property
    def rounds_done(self) -> int:
        """How many rounds are here, without round 0."""
        return int(self.rounds["round"].max()) if len(self.rounds) else 0

    @cached_property
    def rounds(self) -> pd.DataFrame:
        """A row a round, round 0 the state before training, with bytes and energy since the start."""
        return self._until_now(self._table("rounds", ROUND_COLUMNS))

    @cached_property
    def events(self) -> pd.DataFrame:
        """A row an activity."""
        return self._until_now(self._table("events", EVENT_COLUMNS))

    @cached_property
    def memory(self) -> pd.DataFrame:
        """A row a node and kind of memory, and one for their `TOTAL`: its peak, and the node's limit, or NaN."""
        return self._table("memory", MEMORY_COLUMNS)

    @cached_property
    def held(self) -> pd.DataFrame:
        """A row a change of what a node holds, of how many bytes more or fewer, in order of time."""
        return self._table("held", HELD_COLUMNS)

    @cached_property
    def links(self) -> pd.DataFrame:
        """A row a sample of a radio link: the users' places at the start, and on the way if the run sampled them."""
        return self._table("links", LINKS_COLUMNS)

    def total(self, *keys: str) -> float:
        """Number at ``keys`` of the summary, as in ``total("energy_j", "user")``; NaN where that is null or to come.

        Raises ValueError if there is a summary without such a number.
        """
        value: Any = self.summary or None
        for key in keys:
            if value is not None:  # below null all is null
                value = value.get(key, "missing") if isinstance(value, dict) else "missing"
        if value is None:
            return UNKNOWN
        if not is_number(value):
            raise ValueError(f"{self.path / SUMMARY}: {'.'.join(keys)} is {value!r}, not a number or null")
        return float(value)

    def _until_now(self, table: pd.DataFrame) -> pd.DataFrame:
        """Tables of a run under way are written one after another; what the summary does not know yet is left out."""
        if "rounds" not in self.summary:
            return table
        known: pd.DataFrame = table[table["round"] <= self.summary["rounds"]]
        return known.reset_index(drop=True)

    def _table(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        import pandas as pd  # noqa: PLC0415 - so that importing the analysis costs nothing

        file = self.path / f"{name}.parquet"
        if not file.is_file():
            return pd.DataFrame({column: pd.Series(dtype=float) for column in columns})
        try:
            table: pd.DataFrame = pd.read_parquet(file)
        except Exception as error:  # of damaged metadata, pandas and pyarrow have errors of many classes
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"{file}: not readable as Parquet ({reason})") from error
        if missing := [column for column in columns if column not in table.columns]:
            raise ValueError(f"{file}: lacks the column(s) {', '.join(missing)}")
        return table


def with_sums(rounds: pd.DataFrame) -> pd.DataFrame:
    """``rounds`` with a column more for each of `SUMS`."""
    return rounds.assign(**{name: rounds[list(columns)].sum(axis=1) for name, columns in SUMS.items()})


def is_run(folder: Path) -> bool:
    """Whether ``folder`` holds a run, though it may only have begun."""
    return (folder / SUMMARY).is_file() or (folder / SCENARIO).is_file()


def _read_yaml(text: str) -> Any:
    """By libyaml, which takes a tenth of the time, where there is one."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _read_text(file: Path, language: str, read: Any) -> dict[str, Any]:
    try:
        content = read(file.read_text(encoding="utf-8"))
        _require_plain(content)
    except (ValueError, OSError, yaml.YAMLError, LookupError, AttributeError, TypeError, RecursionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]  # the latter four of PyYAML, for odd tags
        raise ValueError(f"{file}: not readable as {language} ({reason})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file}: expected an object, not {type(content).__name__}")
    return content


def _require_plain(content: Any) -> None:
    """Raise ValueError for what no run writes: other types than JSON has, and aliases that grow without bound."""
    waiting, seen = [content], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES} values")
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif not isinstance(value, str | float | int | None) or (isinstance(value, int) and abs(value) >= 2**63):
            raise ValueError(f"a {type(value).__name__} that no run writes")
