"""Differences between schemes seed by seed: what two runs of a seed share, users and channels, cancels out."""

from collections.abc import Sequence

import pandas as pd

from analysis.comparison.intervals import mean_interval, ratio_interval
from analysis.load import Results

PAIRED_COLUMNS = (
    "label", "baseline", "quantity", "seeds", "pairs", "difference", "difference_low", "difference_high", "ratio",
    "ratio_low", "ratio_high",
)  # fmt: skip


def baselines(results: Results, baseline: str | None) -> dict[str, str | None]:
    """For each series the name of the one it is compared with; None where there is none.

    ``baseline`` names a series, with which all are compared, or a label: each series is then compared with that of the
    label which has the same settings. None is the label of the first series.

    Raises ValueError for a name that is neither.
    """
    series = results.series
    labels = list(dict.fromkeys(runs[0].label for runs in series.values()))
    wanted = baseline or labels[0]
    if wanted not in labels and wanted not in series:
        raise ValueError(f"baseline {wanted!r}: no such run; known are {', '.join(dict.fromkeys((*series, *labels)))}")
    if wanted in series:
        return dict.fromkeys(series, wanted)
    if len(labels) == 1:
        return dict.fromkeys(series, next(iter(series)))
    shared = [key for key in results.varied if not key.startswith("scheme.")]
    world = {name: [runs[0].settings.get(key) for key in shared] for name, runs in series.items()}
    standing = [name for name, runs in series.items() if runs[0].label == wanted]
    return {name: next((other for other in standing if world[other] == world[name]), None) for name in series}


def paired_differences(runs: pd.DataFrame, of: dict[str, str | None], quantities: Sequence[str]) -> pd.DataFrame:
    """A row a series and quantity of ``runs`` (`measured`): the series less its baseline, over the seeds both have.

    Columns: ``label``, ``baseline``, ``quantity``; ``seeds`` they have in common, and of these those for which both
    know the quantity, ``pairs``; the mean ``difference``, in base units, and the geometric mean of this over that,
    ``ratio``, each with the ends of its interval, ``..._low`` and ``..._high``. NaN where a seed lacks one of a pair: a
    mean over the others would be one over the seeds that went well.
    """
    rows = []
    for label, baseline in of.items():
        if baseline is None or baseline == label:
            continue
        this, that = _over_equal_seeds(runs, label, baseline)
        for quantity in quantities:
            pairs = int((this[quantity].notna() & that[quantity].notna()).sum())
            row = {"label": label, "baseline": baseline, "quantity": quantity, "seeds": len(this), "pairs": pairs}
            row |= mean_interval(this[quantity] - that[quantity]).columns("difference")
            rows.append(row | ratio_interval(this[quantity] / that[quantity]).columns("ratio"))
    return pd.DataFrame(rows, columns=PAIRED_COLUMNS)


def speed_ups(runs: pd.DataFrame, of: dict[str, str | None], time: str) -> pd.DataFrame:
    """How many times as fast each series is as its baseline, indexed by ``label``: ``speed_up`` with its interval.

    The geometric mean over seeds of the baseline's ``time``, a quantity, over the own. NaN where a seed lacks one.
    """
    found = {}
    for label, baseline in of.items():
        this, that = _over_equal_seeds(runs, label, baseline or label)
        found[label] = ratio_interval(that[time] / this[time] if baseline else []).columns("speed_up")
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("label")


def _over_equal_seeds(runs: pd.DataFrame, this: str, that: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    first, second = (runs.loc[[label]].droplevel("label") for label in (this, that))
    seeds = first.index.intersection(second.index)
    return first.loc[seeds], second.loc[seeds]
