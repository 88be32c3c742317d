"""The tables of the page: headline, memory, differences, origin."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.figures.style import PALETTE
from analysis.load import load
from analysis.report.headline import colors, headline
from analysis.report.memory import MOST_NODES, memory_tables
from analysis.report.names import names
from analysis.report.origins import origins
from analysis.report.scenarios import differences, facts, scenario_text

MakeRun = Callable[..., Path]


def test_the_headline_is_the_comparison_with_its_best_cells(make_run: MakeRun) -> None:
    table, _ = headline(load(make_run("fast"), make_run("slow", slowness=2.0)))
    assert table.columns == ["fast", "slow"]
    cells = {line.title: [(cell.text, cell.marked) for cell in line.cells] for line in table.lines}
    assert cells["Simulated time (s)"] == [("18", True), ("36", False)]
    assert cells["Perplexity after"] == [("20", False), ("20", False)]
    assert cells["Energy of users (kJ)"] == [("4", True), ("8", False)]


def test_several_seeds_have_their_differences_below(make_run: MakeRun) -> None:
    runs = [make_run(f"{name}{seed}", label=name, seed=seed, slowness=slow + seed)
            for name, slow in (("x", 1.0), ("y", 2.0)) for seed in range(2)]  # fmt: skip
    assert headline(load(runs[0], runs[2]))[1].lines == []
    main, paired = headline(load(*runs))
    assert main.notes[0].startswith("Means over 2 seeds")
    assert paired.columns == ["y"]
    assert "+18" in [cell.text for line in paired.lines for cell in line.cells]  # seconds, of either seed


def test_series_have_the_colours_of_the_figures_unless_these_lack_one(make_run: MakeRun, nothing_learned: Any) -> None:
    one, two = make_run("one"), make_run("two")
    assert list(colors(load(one, two)).items()) == [("one", PALETTE[0]), ("two", PALETTE[1])]
    assert colors(load(one, make_run("analytic", **nothing_learned))) == {}


def test_what_no_run_recorded_has_no_line(make_run: MakeRun) -> None:
    table, _ = headline(load(make_run("text", accuracies=(None, None, None))))
    assert not any(line.title.startswith("Accuracy") for line in table.lines)


def test_memory_has_a_row_a_node_in_one_unit(make_run: MakeRun) -> None:
    folder = make_run("run")
    rows = [("user0", "user", "weights", 2**20), ("user0", "user", "buffers", 0), ("user0", "user", "total", 2**20)]
    rows += [("cloud", "cloud", "weights", 3 * 2**20), ("cloud", "cloud", "total", 2**22)]
    memory = pd.DataFrame(rows, columns=["node", "role", "kind", "peak_bytes"])
    memory.assign(limit_bytes=float("nan")).to_parquet(folder / "memory.parquet")
    (table,) = memory_tables(load(folder))
    assert (table.unit, table.kinds) == ("MiB", ("weights", "total"))
    assert table.rows == (("cloud", ("3", "4")), ("user0", ("1", "1")))
    assert table.left_out == ()


def test_of_many_nodes_those_with_most_memory_are_told(make_run: MakeRun) -> None:
    folder = make_run("run")
    rows = [(f"user{user}", "user", "total", (user + 1) * 2**20) for user in range(MOST_NODES + 2)]
    memory = pd.DataFrame(rows, columns=["node", "role", "kind", "peak_bytes"])
    memory.assign(limit_bytes=float("nan")).to_parquet(folder / "memory.parquet")
    (table,) = memory_tables(load(folder))
    assert [node for node, _ in table.rows] == [f"user{user}" for user in range(2, MOST_NODES + 2)]
    assert table.left_out == ("2 more nodes of role user need at most 2 MiB each",)


def test_differences_are_the_settings_that_are_not_the_same(make_run: MakeRun) -> None:
    narrow = make_run("narrow", settings={"radio": {"bandwidth": "5 MHz", "carrier": "3 GHz", "sampling": None}})
    wide = make_run("wide", settings={"radio": {"bandwidth": "20 MHz", "carrier": "3 GHz"}})
    found = differences(load(narrow, wide))
    assert found.keys == ("radio.bandwidth", "scheme.name")
    assert found.rows == (("narrow", ("5 MHz", "narrow")), ("wide", ("20 MHz", "wide")))
    assert "bandwidth: 5 MHz" in scenario_text(load(narrow))


def test_facts_are_what_all_runs_share(make_run: MakeRun) -> None:
    one = make_run("one", settings={"users": {"count": 8}, "edges": {"count": 1}})
    two = make_run("two", seed=1, settings={"users": {"count": 8}, "edges": {"count": 2}})
    assert facts(load(one)) == ["1 run", "8 users", "1 edge server", "seed 0"]
    assert facts(load(one, two)) == ["2 runs", "8 users", "2 seeds"]


def test_runs_are_called_by_label_unless_that_is_ambiguous(make_run: MakeRun) -> None:
    one, two = make_run("a/one", label="x"), make_run("a/two", label="y")
    assert names(load(one, two)) == ("x", "y")
    assert names(load(one, make_run("b/one", label="x"))) == ("a/one", "b/one")


def test_runs_of_one_origin_are_told_together(make_run: MakeRun) -> None:
    folders = [make_run(name) for name in ("one", "two", "three")]
    for folder, seed in zip(folders, (0, 0, 1), strict=True):
        known = {"versions": {"python": "3.11"}, "git_commit": None, "seed": seed, "command": ["cosim", "run"]}
        (folder / "provenance.json").write_text(json.dumps(known))
    common = ("versions python", "3.11"), ("seed", "0"), ("command", "cosim run")
    first, second = origins(load(*folders))
    assert first == (("one", "two"), common)
    assert second[0] == ("three",)
