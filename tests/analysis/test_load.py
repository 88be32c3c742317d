import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.load import by_label, load, load_all


def test_a_run_folder_comes_back_as_it_was_written(make_run: Callable[..., Path]) -> None:
    run = load(make_run("splitfed"))
    assert run.label == "splitfed"
    assert run.summary["rounds"] == 2
    assert list(run.rounds["perplexity"]) == [40.0, 30.0, 20.0]
    assert len(run.events) == 26
    assert list(run.memory["peak_bytes"]) == [3 * 2**20]


def test_totals_are_found_by_their_keys_and_null_is_nan(make_run: Callable[..., Path], nothing_learned: Any) -> None:
    run = load(make_run("analytic", **nothing_learned))
    assert run.total("traffic_bytes", "uplink") == 8_000_000
    assert pd.isna(run.total("final", "perplexity"))


@pytest.mark.parametrize("keys", [("energy",), ("energy_j", "satellite"), ("energy_j",), ("rounds", "first")])
def test_a_total_that_is_no_number_is_named_in_the_error(make_run: Callable[..., Path], keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=rf"summary\.json: {'.'.join(keys)} is "):
        load(make_run("splitfed")).total(*keys)


@pytest.mark.parametrize("file", ["summary.json", "rounds.parquet", "events.parquet", "memory.parquet"])
def test_a_missing_file_is_named(make_run: Callable[..., Path], file: str) -> None:
    run = make_run("splitfed")
    (run / file).unlink()
    with pytest.raises(ValueError, match=f"{file}: missing"):
        load(run)


@pytest.mark.parametrize("file", ["summary.json", "rounds.parquet", "events.parquet", "memory.parquet"])
def test_a_file_cut_short_is_named(make_run: Callable[..., Path], file: str) -> None:
    run = make_run("splitfed")
    content = (run / file).read_bytes()
    (run / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f"{file}: not readable as"):
        load(run)


def test_a_missing_column_is_named(make_run: Callable[..., Path]) -> None:
    run = make_run("splitfed")
    pd.read_parquet(run / "events.parquet").drop(columns="energy_j").to_parquet(run / "events.parquet")
    with pytest.raises(ValueError, match=r"events\.parquet: lacks the column\(s\) energy_j"):
        load(run)


@pytest.mark.parametrize("content", [[], {"label": None}, {}])
def test_a_summary_without_a_label_is_refused(make_run: Callable[..., Path], content: object) -> None:
    run = make_run("splitfed")
    (run / "summary.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="the run's label"):
        load(run)


def test_a_folder_of_runs_is_read_by_name_and_other_folders_are_left_alone(
    make_run: Callable[..., Path], tmp_path: Path
) -> None:
    for folder in ("c", "a", "b"):
        make_run(folder)
    (tmp_path / "figures").mkdir()
    assert [run.label for run in load_all(tmp_path)] == ["a", "b", "c"]


def test_given_labels_choose_the_runs_and_their_order(make_run: Callable[..., Path], tmp_path: Path) -> None:
    for folder in ("a", "b", "c"):
        make_run(folder)
    assert [run.label for run in load_all(tmp_path, ["c", "a"])] == ["c", "a"]
    with pytest.raises(ValueError, match="no such folder"):
        load_all(tmp_path, ["a", "z"])


def test_a_single_run_folder_is_a_list_of_one(make_run: Callable[..., Path]) -> None:
    assert [run.label for run in load_all(make_run("alone"))] == ["alone"]


def test_a_folder_without_runs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no run here"):
        load_all(tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        load_all(tmp_path / "nowhere")


def test_equal_labels_are_told_apart_by_folder(make_run: Callable[..., Path]) -> None:
    folders = [make_run("near", label="splitfed"), make_run("far", label="splitfed"), make_run("federated")]
    assert list(by_label(map(load, folders))) == ["splitfed (near)", "splitfed (far)", "federated"]


def test_the_same_run_twice_and_no_run_at_all_are_refused(make_run: Callable[..., Path]) -> None:
    run = load(make_run("splitfed"))
    with pytest.raises(ValueError, match="label them apart"):
        by_label([run, run])
    with pytest.raises(ValueError, match="none given"):
        by_label([])
