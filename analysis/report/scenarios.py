"""What the runs of a report are runs of: a scenario, and in which of its keys they differ."""

from dataclasses import dataclass

import yaml

from analysis.load import Results
from analysis.report.names import named_runs
from analysis.settings import Setting

_WANTED = {
    "users.count": "user",
    "edges.count": "edge server",
    "scheme.rounds": "round",
    "radio.bandwidth": "",
    "model.base": "",
}
"""Settings that are told in a few words, each with what it counts, if it does."""

_NAMES = ("name", "scheme.label")


@dataclass(frozen=True, kw_only=True)
class Differences:
    """A table: a row a run, a column a key in which they differ."""

    keys: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def differences(results: Results) -> Differences:
    """All settings that are not the same in all runs; what is off, or a run's scheme does not have, is empty."""
    keys = dict.fromkeys(key for run in results for key in run.settings if key not in _NAMES)
    differing = tuple(key for key in keys if len({_told(run.settings.get(key)) for run in results}) > 1)
    rows = tuple((name, tuple(_told(run.settings.get(key)) for key in differing)) for name, run in named_runs(results))
    return Differences(keys=differing, rows=rows)


def scenario_text(results: Results) -> str:
    """The scenario of the first run, resolved."""
    return yaml.safe_dump(results[0].scenario, sort_keys=False, allow_unicode=True, width=100)


def facts(results: Results) -> list[str]:
    """The scenario in a few words, of what is the same in all runs."""
    same = {key: values[0] for key in _WANTED if len(set(values := [run.settings.get(key) for run in results])) == 1}
    told = [_counted(setting, _WANTED[key]) for key, setting in same.items() if setting is not None]
    seeds = len({run.seed for run in results})
    return [_counted(len(results), "run"), *told, *([f"{seeds} seeds"] if seeds > 1 else [f"seed {results[0].seed}"])]


def _counted(value: object, thing: str) -> str:
    return f"{value} {thing}{'' if str(value) == '1' else 's'}" if thing else str(value)


def _told(setting: Setting | None) -> str:
    return "" if setting is None or setting.value is None else str(setting)
