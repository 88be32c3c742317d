"""The table of a sweep: what its columns hold, and that it is there from the start."""

from pathlib import Path
from typing import Any

import pandas as pd

from cosim.sweep.table import SweepTable
from tests.cosim.sweep.conftest import planned, split

SUMMARY: dict[str, Any] = {
    "name": "small", "label": "federated", "finished": True, "plan": {"rounds": 3}, "sim_time_s": 1.5,
    "final": {"loss": None, "perplexity": 2.0},
}  # fmt: skip


def test_points_to_come_have_a_row_and_no_numbers(small: Path, tmp_path: Path) -> None:
    first, second = planned(small, tmp_path, "radio.bandwidth=5MHz,10MHz", seeds="3")
    table = SweepTable([first, second], tmp_path)
    table.set(first, "running")
    assert table.frame().to_dict("list") == {
        "point": [first.name, second.name],
        "label": ["federated"] * 2,
        "scheme": ["federated"] * 2,
        "seed": [3, 3],
        "status": ["running", "waiting"],
        "radio.bandwidth": [5e6, 10e6],
    }
    table.set(first, "done", SUMMARY)
    table.write()
    found = pd.read_parquet(tmp_path / "sweep.parquet")
    assert found["final.perplexity"].isna().tolist() == [False, True]
    assert found["sim_time_s"][0] == 1.5
    assert list(found.columns[6:]) == ["plan.rounds", "sim_time_s", "final.loss", "final.perplexity"]


def test_after_an_interruption_what_ran_waits(small: Path, tmp_path: Path) -> None:
    first, second = planned(small, tmp_path, "radio.bandwidth=5MHz,10MHz")
    table = SweepTable([first, second], tmp_path)
    table.set(first, "done", SUMMARY)
    table.set(second, "running")
    table.stopped()
    assert table.frame()["status"].tolist() == ["done", "waiting"]


def test_values_that_are_no_number_are_text(small: Path, tmp_path: Path) -> None:
    small.write_text(split(small))
    points = planned(small, tmp_path, "radio.pathloss={name: log_distance, exponent: 3.0},uma", "scheme.cut=2,[1,3]")
    found = SweepTable(points, tmp_path)
    found.write()
    table = pd.read_parquet(tmp_path / "sweep.parquet")
    assert table["radio.pathloss"].tolist() == ['{"name": "log_distance", "exponent": 3.0}'] * 2 + ["uma"] * 2
    assert table["scheme.cut"].tolist() == ["2", "[1, 3]"] * 2
