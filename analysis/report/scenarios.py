"""What the runs of a report are runs of: a scenario, and in which of its keys they differ."""

from dataclasses import dataclass

import yaml

from analysis.load import Results
from analysis.settings import Setting

_NAMES = ("name", "scheme.label")


@dataclass(frozen=True, kw_only=True)
class Differences:
    """A table: a row a run, a column a key in which they differ."""

    keys: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def differences(results: Results) -> Differences:
    """All settings that are not the same in all runs; what a run's scheme does not have is empty."""
    keys = dict.fromkeys(key for run in results for key in run.settings if key not in _NAMES)
    differing = tuple(key for key in keys if len({run.settings.get(key) for run in results}) > 1)
    rows = tuple(
        (name, tuple(_told(run.settings.get(key)) for key in differing))
        for name, run in zip(results.names, results, strict=True)
    )
    return Differences(keys=differing, rows=rows)


def scenario_text(results: Results) -> str:
    """The scenario of the first run, resolved."""
    return yaml.safe_dump(results[0].scenario, sort_keys=False, allow_unicode=True, width=100)


def facts(results: Results) -> list[str]:
    """The scenario in a few words, of what is the same in all runs."""
    wanted = {
        "users.count": "{} users",
        "edges.count": "{} edge servers",
        "scheme.rounds": "{} rounds",
        "radio.bandwidth": "{}",
        "model.base": "{}",
        "seed": "seed {}",
    }
    found = {key: {run.settings.get(key) for run in results} for key in wanted}
    known = {key: values.pop() for key, values in found.items() if len(values) == 1}
    seeds = len({run.seed for run in results})
    told = [wanted[key].format(value) for key, value in known.items() if value is not None]
    return [f"{len(results)} runs", *told, *([f"{seeds} seeds"] if seeds > 1 else [])]


def _told(setting: Setting | None) -> str:
    return "" if setting is None or setting.value is None else str(setting)
