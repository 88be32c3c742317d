"""The comparison as printed."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis.comparison.comparison import Comparison, compare
from analysis.comparison.targets import Target
from analysis.comparison.terminal import print_comparison
from analysis.load import load

Cells = dict[str, list[str]]


def printed(comparison: Comparison, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, color_system=None)
    print_comparison(comparison, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def cells_of(text: str) -> Cells:
    """The cells of each line by its title; an interval follows its value."""
    found: Cells = {}
    title = ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")]
        if len(cells) > 1 and cells[0]:
            title = cells[0]
            found[title] = cells[1:]
        elif len(cells) > 1 and title in found and any(cells):
            found[title] = [f"{value} {more}".strip() for value, more in zip(found[title], cells[1:], strict=True)]
    return found


@pytest.fixture
def cells(make_run: Callable[..., Path]) -> Cells:
    slow = make_run("slow", slowness=10.0, perplexities=(40.0, 35.0, 30.0))
    return cells_of(printed(compare(load(make_run("fast"), slow)), width=80))


def seeds_of(make_run: Callable[..., Path], label: str, slowness: float = 1.0, **made: Any) -> list[Path]:
    return [
        make_run(f"{label}/seed-{seed}", label=label, seed=seed, slowness=slowness * (1 + seed**2), **made)
        for seed in range(4)
    ]


def test_each_quantity_is_printed_in_one_humane_unit(cells: Cells) -> None:
    assert cells["Simulated time (min)"] == ["* 0.300", "3"]
    assert cells["Uplink traffic (MB)"] == ["8", "8"]
    assert cells["Backhaul traffic (kB)"] == ["2", "2"]
    assert cells["User peak memory (MiB)"] == ["3", "3"]
    assert cells["Edge peak memory (GiB)"] == ["5", "5"]
    assert cells["Energy of users (kJ)"] == ["* 4", "40"]
    assert cells["Energy of cloud (J)"] == ["0", "0"]


def test_the_best_value_is_starred_where_runs_differ_and_something_is_better(cells: Cells) -> None:
    starred = {title for title, found in cells.items() if any("*" in cell for cell in found)}
    assert starred == {
        "Simulated time (min)",
        "Perplexity after",
        "Perplexity change (%)",
        "Time to target (min)",
        "Traffic to target (kB)",
        "Users' energy to target (J)",
        "All energy to target (J)",
        "Energy of users (kJ)",
        "Speed-up",
    }
    assert cells["Perplexity change (%)"] == ["* -50", "-25"]


def test_the_notes_name_the_target_and_the_baseline(make_run: Callable[..., Path]) -> None:
    slow = make_run("slow", perplexities=(40.0, 35.0, 30.0))
    text = " ".join(printed(compare(load(make_run("fast"), slow), baseline="slow")).split())
    assert "Target: perplexity ≤ 30, the best that every run reaches; at the end of the first" in text
    assert "Speed-up: time to target of slow over the own" in text
    assert "seeds" not in text
    assert "Paired differences" not in text


def test_runs_that_learned_nothing_show_a_dash(make_run: Callable[..., Path], nothing_learned: Any) -> None:
    cells = cells_of(printed(compare(load(make_run("learned"), make_run("analytic", **nothing_learned)))))
    assert cells["Perplexity after"] == ["20", "–"]
    assert cells["Perplexity change (%)"] == ["-50", "–"]
    assert not [title for title in cells if "target" in title]


def test_classifiers_have_no_line_of_perplexity_and_the_highest_accuracy_is_best(make_run: Callable[..., Path]) -> None:
    runs = [
        make_run(name, perplexities=(None, None, None), accuracies=(0.1, 0.2, after))
        for name, after in (("better", 0.75), ("worse", 0.5))
    ]
    cells = cells_of(printed(compare(load(*runs))))
    assert not [title for title in cells if title.startswith("Perplexity")]
    assert cells["Accuracy before"] == ["0.100", "0.100"]
    assert cells["Accuracy after"] == ["* 0.750", "0.500"]


def test_a_single_run_is_compared_with_nothing_and_its_label_is_printed_as_it_is(make_run: Callable[..., Path]) -> None:
    text = printed(compare(load(make_run("plain", label="[red]"))))
    assert "[red]" in text
    assert "Speed-up" not in text
    assert "*" not in text


def test_of_several_seeds_intervals_stand_below_the_means_and_differences_below_the_table(
    make_run: Callable[..., Path],
) -> None:
    text = printed(compare(load(*seeds_of(make_run, "fast"), *seeds_of(make_run, "slow", 2.0))))
    table, _, differences = text.partition("Paired differences")
    fast, slow = cells_of(table)["Simulated time (min)"]
    assert fast.startswith("* 1.35 [")
    assert slow.startswith("2.70 [")
    assert cells_of(table)["Uplink traffic (MB)"] == ["8", "8"]
    assert "Means over 4 seeds, below them 95% intervals where seeds differ" in table
    (later,) = cells_of(differences)["Time to target (min)"]
    assert re.fullmatch(r"(\* \+1\.35 \[\+|\+1\.35 \[-).*, .*\]", later)  # a star if zero is outside
    assert cells_of(differences)["Perplexity after"] == ["+0"]
    assert "the difference from fast" in differences


def test_of_two_seeds_no_interval_is_pretended(make_run: Callable[..., Path]) -> None:
    runs = [make_run(f"{seed}", label="a", seed=seed, slowness=1 + seed) for seed in range(2)]
    text = printed(compare(load(*runs)))
    assert cells_of(text)["Simulated time (s)"] == ["27"]
    assert "Means over 2 seeds" in text
    assert "no interval of fewer than 3 seeds" in text


def test_a_target_that_is_missed_is_said_to_be(make_run: Callable[..., Path]) -> None:
    target = Target(metric="perplexity", value=20.0)
    never = seeds_of(make_run, "never", perplexities=(40.0, 30.0, 25.0))
    some = [
        make_run(f"some/{seed}", label="some", seed=seed, perplexities=(40.0, 30.0, 25.0 - 5 * (seed == 2)))
        for seed in range(4)
    ]
    text = printed(compare(load(*seeds_of(make_run, "all"), *never, *some), target=target))
    table, _, differences = text.partition("Paired differences")
    title = "Time to target (min)"
    assert cells_of(table)[title][1:] == ["not reached", "in 1 of 4"]
    assert cells_of(table)["Speed-up"][1:] == ["–", "–"]
    assert [cells_of(differences)[name] for name in cells_of(differences) if name.startswith("Time to target")] == [
        ["not reached", "in 1 of 4"]
    ]


def test_unfinished_runs_are_named(make_run: Callable[..., Path]) -> None:
    run = make_run("half")
    summary = run / "summary.json"
    summary.write_text(summary.read_text().replace('"finished": true', '"finished": false'))
    assert "Not finished: half" in printed(compare(load(run, make_run("whole"))))


def test_four_schemes_fit_a_hundred_columns(make_run: Callable[..., Path]) -> None:
    labels = ("splitfed", "federated", "split_learning", "centralised")
    learned = {"slowness": 1.234, "perplexities": (440.0, 90.3, 61.2)}
    runs = [run for label in labels for run in seeds_of(make_run, label, **learned)]
    text = printed(compare(load(*runs)))
    assert "…" not in text
    table, _, _ = text.partition("Paired differences")
    assert all(re.fullmatch(r"(\* )?1\.67 \[\S+ \S+\]", cell) for cell in cells_of(table)["Simulated time (min)"])


def test_of_many_series_each_has_a_line(make_run: Callable[..., Path]) -> None:
    runs = [
        make_run(f"{label}/{mhz}", label=label, slowness=20 / mhz, settings={"radio": {"bandwidth": f"{mhz} MHz"}})
        for mhz in (5, 10, 20)
        for label in ("a", "b")
    ]
    text = printed(compare(load(*runs)), width=140)
    cells = cells_of(text)
    assert list(cells) == [f"{label}, bandwidth {mhz} MHz" for mhz in (5, 10, 20) for label in ("a", "b")]
    assert len(cells["a, bandwidth 5 MHz"]) < 10
    assert "time to target of a in the same setting over the own" in text
