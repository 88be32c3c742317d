from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from analysis.comparison import comparison_table, print_table, to_csv
from analysis.load import load


def printed(frame: pd.DataFrame) -> dict[str, list[str]]:
    """The table as printed without colour on 80 columns: the cells of each line, by its title."""
    console = Console(file=StringIO(), width=80, color_system=None)
    print_table(frame, console)
    assert isinstance(console.file, StringIO)
    lines = [line.strip("│┃").replace("┃", "│").split("│") for line in console.file.getvalue().splitlines()]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines if len(cells) > 1}


@pytest.fixture
def frame(make_run: Callable[..., Path]) -> pd.DataFrame:
    slow = make_run("slow", slowness=10.0, perplexities=(40.0, 35.0, 30.0))
    return comparison_table(load(make_run("fast"), slow))


def test_the_table_has_a_row_a_run_with_the_totals_of_its_summary(frame: pd.DataFrame) -> None:
    assert list(frame.index) == ["fast", "slow"]
    assert frame.loc["slow"].to_dict() == {
        "rounds": 2,
        "sim_time_s": 180.0,
        "perplexity_before": 40.0,
        "perplexity_after": 30.0,
        "perplexity_change_percent": -25.0,
        "accuracy_before": 0.0,
        "accuracy_after": 0.2,
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


def test_each_quantity_is_printed_in_one_humane_unit(frame: pd.DataFrame) -> None:
    cells = printed(frame)
    assert cells["Simulated time (min)"] == ["0.300 *", "3"]
    assert cells["Uplink traffic (MB)"] == ["8", "8"]
    assert cells["Backhaul traffic (kB)"] == ["2", "2"]
    assert cells["User peak memory (MiB)"] == ["3", "3"]
    assert cells["Edge peak memory (GiB)"] == ["5", "5"]
    assert cells["Energy of users (kJ)"] == ["4 *", "40"]
    assert cells["Energy of cloud (J)"] == ["0", "0"]


def test_the_best_value_is_starred_where_runs_differ_and_something_is_better(frame: pd.DataFrame) -> None:
    starred = {title for title, cells in printed(frame).items() if any("*" in cell for cell in cells)}
    assert starred == {
        "Simulated time (min)",
        "Perplexity after",
        "Perplexity change (%)",
        "Energy of users (kJ)",
    }
    assert printed(frame)["Perplexity change (%)"] == ["-50 *", "-25"]


def test_runs_that_learned_nothing_show_a_dash(make_run: Callable[..., Path], nothing_learned: Any) -> None:
    cells = printed(comparison_table(load(make_run("learned"), make_run("analytic", **nothing_learned))))
    assert cells["Perplexity after"] == ["20", "–"]
    assert cells["Perplexity change (%)"] == ["-50", "–"]


def test_classifiers_have_no_line_of_perplexity_and_the_highest_accuracy_is_best(make_run: Callable[..., Path]) -> None:
    runs = [
        make_run(name, perplexities=(None, None, None), accuracies=(0.1, 0.2, after))
        for name, after in (("better", 0.75), ("worse", 0.5))
    ]
    cells = printed(comparison_table(load(*runs)))
    assert not [title for title in cells if title.startswith("Perplexity")]
    assert cells["Accuracy before"] == ["0.100", "0.100"]
    assert cells["Accuracy after"] == ["0.750 *", "0.500"]


def test_labels_are_printed_as_they_are_even_if_they_look_like_markup(make_run: Callable[..., Path]) -> None:
    cells = printed(comparison_table(load(make_run("plain", label="[red]"))))
    assert cells[""] == ["[red]"]


def test_csv_keeps_base_units_and_full_precision(frame: pd.DataFrame, tmp_path: Path) -> None:
    to_csv(frame, tmp_path / "tables" / "comparison.csv")
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "tables" / "comparison.csv", index_col="label"), frame, check_dtype=False
    )
    assert [file.name for file in (tmp_path / "tables").iterdir()] == ["comparison.csv"]
