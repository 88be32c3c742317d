"""The mean over seeds, and a band about it that says how far it can be trusted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.comparison.intervals import CONFIDENCE, FEWEST


def mean_with_band(data: pd.DataFrame, by: Sequence[str], column: str) -> pd.DataFrame:
    """The mean of `column` for each group of rows with equal `by`, in order of appearance, a row a seed.

    Columns: `by`, `column`, its `_low` and `_high` (Student's interval of the mean at `CONFIDENCE`; NaN below
    `FEWEST` values) and `seeds`, their number. Values that are NaN make the mean NaN: a mean over the seeds that
    reached something would be too good.
    """
    rows = []
    for key, values in data.groupby(list(by), sort=False, dropna=False)[column]:
        half_width = _half_width(values.to_numpy(dtype=float))
        mean = values.mean(skipna=False)
        spread = {column: mean, f"{column}_low": mean - half_width, f"{column}_high": mean + half_width}
        rows.append(dict(zip(by, key, strict=True)) | spread | {"seeds": len(values)})
    return pd.DataFrame(rows, columns=[*by, column, f"{column}_low", f"{column}_high", "seeds"])


def band_note(data: pd.DataFrame, shown: str = "band") -> str | None:
    """What a legend says of `mean_with_band`, `shown` as what: nothing where every mean is of one seed."""
    fewest, most = int(data["seeds"].min()), int(data["seeds"].max())
    if most == 1:
        return None
    seeds = f"mean of {most} seeds" if fewest == most else f"mean of {fewest} to {most} seeds"
    return f"{seeds}; {shown}: {CONFIDENCE:.0%} confidence" if most >= FEWEST else seeds


def _half_width(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    count = len(values)
    if count < FEWEST:
        return float("nan")
    from scipy.special import stdtrit  # noqa: PLC0415 - slow to load, and most comparisons have one seed

    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2) * values.std(ddof=1) / np.sqrt(count))
