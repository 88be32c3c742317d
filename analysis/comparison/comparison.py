"""The comparison in numbers: series of runs side by side, each the mean over its seeds with an interval about it."""

from dataclasses import dataclass
from math import nan
from pathlib import Path

import pandas as pd

from analysis.comparison.intervals import mean_interval
from analysis.comparison.paired import baselines, paired_differences, speed_ups
from analysis.comparison.quantities import QUANTITIES, TARGET_QUANTITIES, measured
from analysis.comparison.targets import NOTHING_LEARNED, Target, default_target
from analysis.files import whole_file
from analysis.load import Results


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is known of several series of runs.

    ``table`` has a row a series, indexed by ``label``: the number of ``seeds``; each of `QUANTITIES` in base units, the
    mean over seeds, with the ends of its interval, ``..._low`` and ``..._high``; in how many seeds the target is
    ``reached``; the ``speed_up`` over the series in ``baseline``, with its interval. A mean is NaN if one of its seeds
    did not record the quantity, or did not reach the target; ends are where there is no interval. ``paired`` is
    `paired_differences`, ``runs`` what each run measured.
    """

    results: Results
    target: Target | None
    baselines: dict[str, str | None]
    runs: pd.DataFrame
    table: pd.DataFrame
    paired: pd.DataFrame


def compare(results: Results, *, baseline: str | None = None, target: Target | None = None) -> Comparison:
    """Compare all series of ``results`` with one another.

    ``baseline`` is a series or a label, by default the first (`paired.baselines`); ``target`` is by default the best
    value that every run reaches (`targets.default_target`).

    Raises ValueError for an unknown baseline, and for a target of which no run recorded the metric.
    """
    of = baselines(results, baseline)
    if target and all(run.rounds[target.metric].isna().all() for run in results):
        raise ValueError(f"target {target}: no run recorded {target.metric}; {NOTHING_LEARNED}")
    target = target or default_target(results)
    runs = measured(results, target)
    known = [name for name in QUANTITIES if runs[name].notna().any() or (target and name in TARGET_QUANTITIES)]
    return Comparison(
        results=results,
        target=target,
        baselines=of,
        runs=runs,
        table=_table(runs, target, of),
        paired=paired_differences(runs, of, known),
    )


def timed_by(target: Target | None) -> str:
    """The quantity that speed-ups are ratios of: time to target, or if there is no target, the time of all rounds."""
    return "time_to_target_s" if target else "sim_time_s"


def write_csv(comparison: Comparison, folder: Path) -> None:
    """Write ``table.csv`` and ``paired.csv``, in base units and full precision; each appears whole or not at all."""
    with whole_file(folder / "table.csv") as table, whole_file(folder / "paired.csv") as paired:
        comparison.table.to_csv(table)
        comparison.paired.to_csv(paired, index=False)


def _table(runs: pd.DataFrame, target: Target | None, of: dict[str, str | None]) -> pd.DataFrame:
    rows = {}
    for label in of:
        row: dict[str, float] = {"seeds": len(runs.loc[label])}
        for name in QUANTITIES:
            row |= mean_interval(runs[name].loc[label]).columns(name)
        rows[label] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("label").astype({"seeds": "int64"})
    table["target_metric"] = target.metric if target else ""
    table["target_value"] = target.value if target else nan
    table["reached"] = runs["time_to_target_s"].notna().groupby(level="label").sum().reindex(table.index)
    table["baseline"] = [baseline or "" for baseline in of.values()]
    return table.join(speed_ups(runs, of, timed_by(target)))
