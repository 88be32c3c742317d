from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import analysis
from analysis.load import load


def bandwidth(mhz: float) -> dict[str, Any]:
    return {"radio": {"bandwidth": f"{mhz * 1e6} Hz", "fading": "rayleigh"}}


def test_a_run_a_folder_of_runs_and_a_pattern_are_found(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for folder in ("c", "a", "deep/er/b", ".a-half-written"):
        make_run(folder)
    (tmp_path / "figures").mkdir()
    assert [run.label for run in analysis.load(tmp_path)] == ["a", "c", "b"]
    assert [run.label for run in analysis.load(tmp_path / "a")] == ["a"]
    assert [run.label for run in analysis.load(f"{tmp_path}/[cd]*")] == ["c", "b"]
    assert [run.label for run in analysis.load(tmp_path / "c", tmp_path)] == ["c", "a", "b"]


def test_runs_come_in_the_order_that_a_comparison_left_and_numbers_by_size(
    make_run: Callable[..., Path], tmp_path: Path
) -> None:
    for folder in ("splitfed/seed-10", "splitfed/seed-9", "federated", "another"):
        make_run(folder)
    (tmp_path / "order.json").write_text('["splitfed", "federated"]')
    assert load(tmp_path).names == ("splitfed/seed-9", "splitfed/seed-10", "federated", "another")
    (tmp_path / "order.json").write_text("[")
    assert load(tmp_path).names[0] == "another"


def test_a_source_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no run here"):
        load(tmp_path)
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        load(tmp_path / "nowhere")


def test_tables_say_of_each_row_which_run_it_is_of(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for mhz in (5, 10):
        make_run(f"{mhz}/federated", settings=bandwidth(mhz))
    runs = load(tmp_path)
    assert runs.varied == ("radio.bandwidth",)
    for table, rows in ((runs.runs, 1), (runs.rounds, 3), (runs.events, 26), (runs.memory, 1)):
        assert list(table.columns[:4]) == ["run", "label", "seed", "radio.bandwidth"]
        assert list(table["run"]) == ["5/federated"] * rows + ["10/federated"] * rows
        assert list(table["radio.bandwidth"]) == [5e6] * rows + [10e6] * rows
    assert list(runs.runs["traffic_bytes.uplink"]) == [8_000_000] * 2


def test_runs_that_differ_in_the_seed_alone_are_one_series(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("federated", "splitfed"):
        for seed in range(3):
            make_run(f"{name}/seed{seed}", label=name, seed=seed)
    series = load(tmp_path).series
    assert {name: [run.seed for run in runs] for name, runs in series.items()} == {
        "federated": [0, 1, 2],
        "splitfed": [0, 1, 2],
    }


def test_a_table_by_series_has_their_runs_together(make_run: Callable[..., Path]) -> None:
    runs = load(make_run("a0", label="a"), make_run("b0", label="b"), make_run("a1", label="a", seed=1))
    data = runs.by_series(lambda run: run.rounds[["round"]])
    assert list(data.columns) == ["label", "seed", "round"]
    assert data.drop_duplicates(["label", "seed"]).to_numpy().tolist() == [["a", 0, 0], ["a", 1, 0], ["b", 0, 0]]


def test_series_of_one_label_are_named_by_what_is_varied(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for mhz in (20, 5):
        make_run(f"{mhz}", label="splitfed", settings=bandwidth(mhz))
    assert list(load(tmp_path).series) == ["splitfed, bandwidth 5 MHz", "splitfed, bandwidth 20 MHz"]


def test_a_schemes_own_settings_tell_only_runs_of_one_label_apart(make_run: Callable[..., Path]) -> None:
    fine = make_run("fine", label="splitfed", settings={"scheme": {"name": "splitfed", "cut": [3]}})
    coarse = make_run("coarse", label="splitfed", settings={"scheme": {"name": "splitfed", "cut": [1, 3]}})
    assert load(fine, make_run("federated")).varied == ()
    assert list(load(fine, coarse).series) == ["splitfed, cut 3", "splitfed, cut [1, 3]"]


def test_runs_equal_in_all_are_told_apart_by_folder(make_run: Callable[..., Path]) -> None:
    runs = load(make_run("near", label="splitfed"), make_run("far", label="splitfed"), make_run("federated"))
    assert list(runs.series) == ["splitfed (near)", "splitfed (far)", "federated"]


def test_a_setting_that_no_run_has_is_refused_with_those_that_differ(make_run: Callable[..., Path]) -> None:
    runs = load(make_run("a", settings=bandwidth(5)), make_run("b", settings=bandwidth(10)))
    assert [str(setting) for setting in runs.setting("radio.bandwidth")] == ["5 MHz", "10 MHz"]
    with pytest.raises(ValueError, match=r"'radio.width' is no key .* known are radio.bandwidth"):
        runs.setting("radio.width")


def swept(folder: Path, **status: str) -> None:
    """The table of a sweep whose points are so far."""
    pd.DataFrame({"point": list(status), "status": list(status.values())}).to_parquet(folder / "sweep.parquet")


def test_a_sweep_is_what_its_table_has_in_its_order(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("c", "b", "a", "of_another_sweep", "left_by_another"):
        make_run(f"points/{name}")
    swept(tmp_path, c="done", a="done", b="running", begun="running", left_by_another="waiting", d="failed")
    assert [run.path.name for run in load(tmp_path)] == ["c", "a", "b"]


def test_a_sweep_says_what_is_drawn_of_it(make_run: Callable[..., Path], tmp_path: Path) -> None:
    make_run("points/a", settings={"figures": ["delay"]})
    swept(tmp_path, a="done")
    assert load(tmp_path).figures == ["delay"]
    (tmp_path / "figures.json").write_text('[{"kind": "sweep", "x": "users.count"}]')
    assert load(tmp_path).figures == [{"kind": "sweep", "x": "users.count"}]


def test_a_table_of_a_sweep_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "sweep.parquet").write_text("no table")
    with pytest.raises(ValueError, match=r"sweep\.parquet: not readable as Parquet"):
        load(tmp_path)
