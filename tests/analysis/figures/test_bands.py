import math

import numpy as np
import pandas as pd
import pytest

from analysis.figures.bands import band_note, mean_with_band

STUDENT_975 = {3: 4.3027, 5: 2.7764, 10: 2.2622}
"""Quantiles of Student's t for so many seeds, with one degree of freedom less: any textbook's table."""
FOUR_DIGITS = 1e-4

COVERED = 0.95
RUNS = 2000
BINOMIAL = 4 * math.sqrt(COVERED * (1 - COVERED) / RUNS)  # four standard deviations of a share of so many


def seeds(*values: float, label: str = "a") -> pd.DataFrame:
    return pd.DataFrame({"label": label, "y": list(values)})


@pytest.mark.parametrize("count", STUDENT_975)
def test_the_band_is_students_interval_of_the_mean(count: int) -> None:
    values = [float(number**2) for number in range(count)]
    mean = sum(values) / count
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    (row,) = mean_with_band(seeds(*values), ["label"], "y").to_dict("records")
    assert (row["label"], row["seeds"]) == ("a", count)
    assert row["y"] == pytest.approx(mean)
    half_width = STUDENT_975[count] * deviation / math.sqrt(count)
    assert row["y_high"] - mean == pytest.approx(half_width, rel=FOUR_DIGITS)
    assert mean - row["y_low"] == pytest.approx(half_width, rel=FOUR_DIGITS)


def test_the_band_covers_the_true_mean_as_often_as_it_says() -> None:
    drawn = np.random.default_rng(7).normal(3.0, 2.0, size=(RUNS, 4))
    data = pd.DataFrame({"run": np.repeat(np.arange(RUNS), 4), "y": drawn.ravel()})
    bands = mean_with_band(data, ["run"], "y")
    covered = ((bands["y_low"] <= 3.0) & (bands["y_high"] >= 3.0)).mean()
    assert covered == pytest.approx(COVERED, abs=BINOMIAL)


def test_one_or_two_seeds_have_a_mean_and_no_band() -> None:
    bands = mean_with_band(pd.concat([seeds(1.0), seeds(1.0, 3.0, label="b")]), ["label"], "y")
    assert bands["y"].tolist() == [1.0, 2.0]
    assert bands[["y_low", "y_high"]].isna().to_numpy().all()


def test_a_seed_without_a_value_leaves_no_mean() -> None:
    (row,) = mean_with_band(seeds(1.0, math.nan, 3.0), ["label"], "y").to_dict("records")
    assert math.isnan(row["y"])


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ([1, 1], None),
        ([2, 2], "mean of 2 seeds"),
        ([4, 4], "mean of 4 seeds; band: 95% confidence"),
        ([1, 3], "mean of 1 to 3 seeds; band: 95% confidence"),
    ],
)
def test_a_legend_says_what_the_band_is(counts: list[int], says: str | None) -> None:
    assert band_note(pd.DataFrame({"seeds": counts})) == says
