"""Series of runs in numbers."""

from collections.abc import Callable
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.comparison.comparison import Comparison, compare, write_csv
from analysis.comparison.intervals import mean_interval
from analysis.comparison.quantities import QUANTITIES
from analysis.comparison.targets import Target
from analysis.load import load

SLOWNESS = (1.0, 1.5, 3.0, 2.0)
"""Of the runs of each seed."""

ROUNDS_S = 18.0


@pytest.fixture
def one_seed(make_run: Callable[..., Path]) -> Comparison:
    slow = make_run("slow", slowness=10.0, perplexities=(40.0, 35.0, 30.0))
    return compare(load(make_run("fast"), slow))


@pytest.fixture
def seeds(make_run: Callable[..., Path]) -> Comparison:
    """Of the four seeds of `late`, which is three times as slow, two never come to a perplexity of 25."""
    for seed, slowness in enumerate(SLOWNESS):
        make_run(f"early/seed-{seed}", label="early", seed=seed, slowness=slowness)
        perplexities = (40.0, 30.0, 20.0 + 2 * seed)
        runs = make_run(
            f"late/seed-{seed}", label="late", seed=seed, slowness=3 * slowness, perplexities=perplexities
        ).parents[1]
    return compare(load(runs), target=Target(metric="perplexity", value=22.0))


def test_of_one_seed_the_table_has_the_totals_of_the_summary_and_no_interval(one_seed: Comparison) -> None:
    row = one_seed.table.loc["slow"]
    assert {name: row[name] for name in QUANTITIES} == {
        "rounds": 2,
        "sim_time_s": 180.0,
        "perplexity_before": 40.0,
        "perplexity_after": 30.0,
        "perplexity_change_percent": -25.0,
        "accuracy_before": 0.0,
        "accuracy_after": 0.2,
        "time_to_target_s": 180.0,
        "traffic_to_target_bytes": 24_000.0,
        "user_energy_to_target_j": 20.0,
        "energy_to_target_j": 60.0,
        "uplink_bytes": 8_000_000,
        "downlink_bytes": 4_000_000,
        "backhaul_bytes": 2_000,
        "user_memory_bytes": 3 * 2**20,
        "edge_memory_bytes": 5 * 2**30,
        "cloud_memory_bytes": 2**10,
        "user_energy_j": 40_000.0,
        "edge_energy_j": 20.0,
        "cloud_energy_j": 0.0,
    }
    assert row.filter(regex="_(low|high)$").isna().all()
    assert row[["seeds", "reached", "baseline", "target_metric", "target_value"]].tolist() == [
        1, 1, "fast", "perplexity", 30.0,
    ]  # fmt: skip


def test_the_speed_up_is_of_the_time_to_target(one_seed: Comparison) -> None:
    """Both come to 30, the fast one in a round of 9 s, the slow one in two of 90."""
    assert one_seed.table["speed_up"].to_dict() == pytest.approx({"fast": 1.0, "slow": 9 / 180})


def test_where_nothing_is_learned_it_is_of_all_rounds(make_run: Callable[..., Path], nothing_learned: Any) -> None:
    runs = [make_run(name, slowness=slow, **nothing_learned) for name, slow in (("fast", 1.0), ("slow", 4.0))]
    comparison = compare(load(*runs), baseline="slow")
    assert comparison.target is None
    assert comparison.table["speed_up"].to_dict() == pytest.approx({"fast": 4.0, "slow": 1.0})


def test_a_series_is_the_mean_over_its_seeds_with_their_interval(seeds: Comparison) -> None:
    row = seeds.table.loc["early"]
    times_s = mean_interval([ROUNDS_S * slowness for slowness in SLOWNESS])
    assert (row["sim_time_s"], row["sim_time_s_low"], row["sim_time_s_high"]) == pytest.approx(
        (times_s.mean, times_s.low, times_s.high)
    )
    assert times_s.low < times_s.mean < times_s.high
    assert seeds.table["seeds"].tolist() == [4, 4]


def test_differences_are_of_equal_seeds(seeds: Comparison) -> None:
    found = seeds.paired.set_index("quantity").loc["sim_time_s"]
    expected = mean_interval([2 * ROUNDS_S * slowness for slowness in SLOWNESS])
    assert (found["label"], found["baseline"], found["pairs"]) == ("late", "early", 4)
    assert found["difference"] == pytest.approx(expected.mean)
    assert found["difference_low"] == pytest.approx(expected.low)
    assert found[["ratio", "ratio_low", "ratio_high"]].tolist() == pytest.approx([3.0] * 3)


def test_seeds_that_miss_the_target_are_counted_and_the_others_make_no_mean(seeds: Comparison) -> None:
    table, paired = seeds.table, seeds.paired.set_index("quantity")
    assert table["reached"].tolist() == [4, 2]
    assert table.loc["early", "time_to_target_s"] == pytest.approx(ROUNDS_S * sum(SLOWNESS) / 4)
    assert isnan(table.loc["late", "time_to_target_s"])
    assert isnan(table.loc["late", "speed_up"])
    assert (paired.loc["time_to_target_s", "pairs"], paired.loc["time_to_target_s", "seeds"]) == (2, 4)
    assert isnan(paired.loc["time_to_target_s", "difference"])


def test_a_target_that_nobody_recorded_is_refused(make_run: Callable[..., Path], nothing_learned: Any) -> None:
    runs = load(make_run("analytic", **nothing_learned))
    with pytest.raises(ValueError, match="target perplexity ≤ 20: no run recorded perplexity"):
        compare(runs, target=Target(metric="perplexity", value=20.0))


def test_a_run_that_has_only_begun_has_no_numbers_and_the_others_keep_theirs(make_run: Callable[..., Path]) -> None:
    begun = make_run("begun")
    for file in begun.iterdir():
        if file.name != "scenario.yaml":
            file.unlink()
    table = compare(load(make_run("done"), begun)).table
    assert table.loc["done", "sim_time_s"] == ROUNDS_S
    assert table.loc["begun", list(QUANTITIES)].isna().all()


def test_csv_keeps_base_units_full_precision_and_intervals_in_columns(seeds: Comparison, tmp_path: Path) -> None:
    write_csv(seeds, tmp_path / "tables")
    table = pd.read_csv(tmp_path / "tables" / "table.csv", index_col="label")
    pd.testing.assert_frame_equal(table, seeds.table, check_dtype=False)
    assert {"sim_time_s_low", "sim_time_s_high", "speed_up_low", "speed_up_high"} <= set(table.columns)
    paired = pd.read_csv(tmp_path / "tables" / "paired.csv")
    pd.testing.assert_frame_equal(paired, seeds.paired, check_dtype=False)
    assert sorted(file.name for file in (tmp_path / "tables").iterdir()) == ["paired.csv", "table.csv"]
