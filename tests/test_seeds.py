"""Runs over seeds, from the simulator to the comparison: what equal seeds share makes small differences visible."""

from pathlib import Path

import pytest
from scipy.stats import ttest_ind

from analysis import load
from analysis.comparison.comparison import Comparison, compare
from analysis.comparison.intervals import CONFIDENCE
from cosim import results, runner
from cosim.scenario import Scenario, load_scenario
from cosim.scenario.entries import entries

QUICKSTART = Path(__file__).parent.parent / "scenarios" / "quickstart.yaml"
SMALL = ["execution=analytic", "compare=[]", "users.count=4", "scheme.rounds=1", "scheme.local_steps=2"]
SPEEDS = {"slow": "edges.compute.speed=20 GFLOP/s", "fast": "edges.compute.speed=22 GFLOP/s"}
"""Edge servers of one and of a tenth more; the users' speeds, places and channels are drawn by the seed."""

FEW, MANY = 5, 40
"""Seeds that are enough with pairs, and seeds to look for the same difference without."""


def scenario(label: str, seed: int) -> Scenario:
    return load_scenario(QUICKSTART, [*SMALL, SPEEDS[label], f"scheme.label={label}", f"seed={seed}"])


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("seeds")
    for label in SPEEDS:
        for seed in range(FEW):
            described = scenario(label, seed)
            results.write(runner.run(described, entries(described)[0]), folder / label / f"seed-{seed}")
    return compare(load(folder / "slow", folder / "fast"))


def test_a_somewhat_faster_server_is_found_with_fewer_seeds_if_they_are_paired(comparison: Comparison) -> None:
    paired = comparison.paired.set_index("quantity").loc["sim_time_s"]
    assert paired["difference_high"] < 0
    times_s = {label: comparison.runs.loc[label, "sim_time_s"].tolist() for label in SPEEDS}
    for label, found in times_s.items():
        for seed in range(FEW, MANY):
            described = scenario(label, seed)
            rows = runner.run(described, entries(described)[0]).observer.rows
            found.append(rows[-1]["sim_time_s"])
    unpaired = [
        count
        for count in range(2, MANY + 1)
        if ttest_ind(times_s["slow"][:count], times_s["fast"][:count], equal_var=False).pvalue < 1 - CONFIDENCE
    ]
    assert min(unpaired) > 2 * FEW  # Welch's test finds it, later


def test_the_speed_up_is_between_none_and_that_of_the_servers(comparison: Comparison) -> None:
    row = comparison.table.loc["fast"]
    assert 1.0 < row["speed_up_low"] < row["speed_up"] < row["speed_up_high"] < 1.1


def test_the_difference_of_a_scheme_from_itself_is_exactly_nothing(comparison: Comparison, tmp_path: Path) -> None:
    for seed in range(FEW):
        described = load_scenario(QUICKSTART, [*SMALL, SPEEDS["fast"], "scheme.label=again", f"seed={seed}"])
        results.write(runner.run(described, entries(described)[0]), tmp_path / f"seed-{seed}")
    folder = comparison.results[-1].path.parent
    paired = compare(load(folder, tmp_path)).paired
    assert set(paired["label"]) == {"again"}
    assert (paired[["difference", "difference_low", "difference_high"]] == 0).all(axis=None)
