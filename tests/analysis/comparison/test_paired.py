"""Differences seed by seed."""

from collections.abc import Callable
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.comparison.intervals import mean_interval
from analysis.comparison.paired import baselines, paired_differences, speed_ups
from analysis.comparison.quantities import QUANTITIES
from analysis.load import load

DIFFICULTY = (1.0, 2.0, 4.0, 9.0, 20.0)
"""How slow everything is with each seed."""


def measured_by_hand(**times_s: list[float]) -> pd.DataFrame:
    """What `measured` returns, with one time a seed; the other quantities unknown."""
    index = [(label, seed) for label, values in times_s.items() for seed in range(len(values))]
    frame = pd.DataFrame(
        np.nan, index=pd.MultiIndex.from_tuples(index, names=["label", "seed"]), columns=list(QUANTITIES)
    )
    frame["sim_time_s"] = np.concatenate(list(times_s.values()))
    return frame


def test_what_seeds_have_in_common_cancels_out() -> None:
    base = [10.0 * much for much in DIFFICULTY]
    runs = measured_by_hand(base=base, later=[value + 1 + 0.1 * seed for seed, value in enumerate(base)])
    found = paired_differences(runs, {"base": "base", "later": "base"}, ["sim_time_s"]).iloc[0]
    assert found[["label", "baseline", "quantity", "seeds", "pairs"]].tolist() == ["later", "base", "sim_time_s", 5, 5]
    assert found["difference"] == pytest.approx(1.2)
    assert 0.9 < found["difference_low"] < 1.2 < found["difference_high"] < 1.5
    alone = mean_interval(base)
    assert alone.high - alone.low > 100  # without pairs, nothing could be said of a difference of 1.2


def test_a_ratio_that_is_the_same_with_every_seed_is_found_exactly() -> None:
    rounding = 1e-12  # of logarithms
    base = [10.0 * much for much in DIFFICULTY]
    runs = measured_by_hand(base=base, twice=[value / 2 for value in base])
    found = speed_ups(runs, {"base": "base", "twice": "base"}, "sim_time_s")
    assert found.loc["twice"].tolist() == pytest.approx([2.0] * 3, rel=rounding)
    assert found.loc["base"].tolist() == [1.0] * 3


def test_the_difference_of_a_run_from_itself_is_nothing() -> None:
    times = [0.1 * much + 0.07 for much in DIFFICULTY]
    found = paired_differences(measured_by_hand(a=times, b=times), {"b": "a"}, ["sim_time_s"]).iloc[0]
    assert found[["difference", "difference_low", "difference_high"]].tolist() == [0.0] * 3
    assert found[["ratio", "ratio_low", "ratio_high"]].tolist() == [1.0] * 3


def test_pairs_are_of_equal_seeds_in_whatever_order() -> None:
    runs = measured_by_hand(a=[1.0, 2.0, 3.0, 4.0], b=[2.0, 4.0, 6.0])
    shuffled = runs.iloc[[3, 1, 0, 2, 6, 4, 5]]
    found = paired_differences(shuffled, {"b": "a"}, ["sim_time_s"]).iloc[0]
    assert (found["seeds"], found["pairs"], found["difference"]) == (3, 3, 2.0)


def test_a_pair_that_is_not_whole_is_counted_and_no_mean_is_made_of_the_others() -> None:
    runs = measured_by_hand(a=[1.0, 2.0, 3.0], b=[2.0, np.nan, 6.0])
    found = paired_differences(runs, {"b": "a"}, ["sim_time_s"]).iloc[0]
    assert (found["seeds"], found["pairs"]) == (3, 2)
    assert isnan(found["difference"]) and isnan(found["ratio"])
    assert speed_ups(runs, {"b": "a"}, "sim_time_s").isna().all(axis=None)


def test_without_equal_seeds_there_is_no_difference() -> None:
    runs = measured_by_hand(a=[1.0, 2.0], b=[2.0, 4.0, 6.0]).iloc[[0, 1, 4]]
    found = paired_differences(runs, {"b": "a"}, ["sim_time_s"]).iloc[0]
    assert (found["seeds"], found["pairs"]) == (0, 0)
    assert isnan(found["difference"])


def settings(mhz: int) -> dict[str, Any]:
    return {"radio": {"bandwidth": f"{mhz} MHz"}}


def test_the_baseline_is_the_first_series_or_the_one_that_is_named(make_run: Callable[..., Path]) -> None:
    runs = load(make_run("a"), make_run("b"))
    assert baselines(runs, None) == {"a": "a", "b": "a"}
    assert baselines(runs, "b") == {"a": "b", "b": "b"}
    with pytest.raises(ValueError, match="baseline 'c': no such run; known are a, b"):
        baselines(runs, "c")


def test_schemes_are_compared_in_the_same_setting(make_run: Callable[..., Path]) -> None:
    places = [(label, mhz) for mhz in (5, 20) for label in ("a", "b")]
    runs = [make_run(f"{mhz}-{label}", label=label, settings=settings(mhz)) for label, mhz in places]
    only_a = make_run("40-a", label="a", settings=settings(40))
    assert baselines(load(*runs, only_a), "b") == {
        "a, bandwidth 5 MHz": "b, bandwidth 5 MHz",
        "b, bandwidth 5 MHz": "b, bandwidth 5 MHz",
        "a, bandwidth 20 MHz": "b, bandwidth 20 MHz",
        "b, bandwidth 20 MHz": "b, bandwidth 20 MHz",
        "a, bandwidth 40 MHz": None,
    }
    assert set(baselines(load(*runs), "a, bandwidth 5 MHz").values()) == {"a, bandwidth 5 MHz"}


def test_settings_of_one_scheme_are_compared_with_the_first(make_run: Callable[..., Path]) -> None:
    runs = load(*(make_run(f"{mhz}", label="a", settings=settings(mhz)) for mhz in (5, 20)))
    assert set(baselines(runs, None).values()) == {"a, bandwidth 5 MHz"}
