import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.result import Result
from analysis.settings import Setting

TABLES = ("rounds", "events", "memory")


def test_a_run_folder_comes_back_as_it_was_written(make_run: Callable[..., Path]) -> None:
    run = Result(make_run("splitfed", seed=3, settings={"radio": {"bandwidth": "20000000.0 Hz"}}))
    assert (run.label, run.seed, run.finished) == ("splitfed", 3, True)
    assert run.summary["rounds"] == 2
    assert list(run.rounds["perplexity"]) == [40.0, 30.0, 20.0]
    assert len(run.events) == 26
    assert list(run.memory["peak_bytes"]) == [3 * 2**20]
    assert run.settings["radio.bandwidth"] == Setting(20e6, "Hz")


def test_totals_are_found_by_their_keys_and_null_is_nan(make_run: Callable[..., Path], nothing_learned: Any) -> None:
    run = Result(make_run("analytic", **nothing_learned))
    assert run.total("traffic_bytes", "uplink") == 8_000_000
    assert pd.isna(run.total("final", "perplexity"))


def test_below_null_all_is_null(make_run: Callable[..., Path]) -> None:
    folder = make_run("analytic")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"final": None}))
    assert pd.isna(Result(folder).total("final", "perplexity"))


@pytest.mark.parametrize(
    "keys", [("energy",), ("energy_j", "satellite"), ("energy_j",), ("rounds", "first"), ("finished",)]
)
def test_a_total_that_is_no_number_is_named_in_the_error(make_run: Callable[..., Path], keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=rf"summary\.json: {'.'.join(keys)} is "):
        Result(make_run("splitfed")).total(*keys)


def test_a_run_that_has_only_begun_has_a_label_and_empty_tables(make_run: Callable[..., Path]) -> None:
    folder = make_run("begun", label="begun", seed=4)
    for file in folder.glob("[!s]*.parquet"):
        file.unlink()
    (folder / "summary.json").unlink()
    run = Result(folder)
    assert (run.label, run.seed, run.finished) == ("begun", 4, False)
    assert pd.isna(run.total("final", "perplexity"))
    for name in (*TABLES, "links", "held"):
        assert getattr(run, name).empty
        assert len(getattr(run, name).columns) > 3


def test_rounds_that_the_summary_does_not_know_yet_are_left_out(make_run: Callable[..., Path]) -> None:
    folder = make_run("under way")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"rounds": 1, "finished": False}))
    run = Result(folder)
    assert not run.finished
    assert list(run.rounds["round"]) == [0, 1]
    assert set(run.events["round"]) == {1}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_cut_short_is_named(make_run: Callable[..., Path], table: str) -> None:
    file = make_run("splitfed") / f"{table}.parquet"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=rf"{table}\.parquet: not readable as Parquet"):
        getattr(Result(file.parent), table)


@pytest.mark.parametrize(("name", "language"), [("summary.json", "JSON"), ("scenario.yaml", "YAML")])
def test_a_text_cut_short_is_named(make_run: Callable[..., Path], name: str, language: str) -> None:
    folder = make_run("splitfed")
    (folder / name).write_text('{"label": "spl')
    with pytest.raises(ValueError, match=rf"{name}: not readable as {language}"):
        _ = getattr(Result(folder), name.split(".", maxsplit=1)[0])


def test_a_missing_column_is_named(make_run: Callable[..., Path]) -> None:
    run = make_run("splitfed")
    pd.read_parquet(run / "events.parquet").drop(columns="energy_j").to_parquet(run / "events.parquet")
    with pytest.raises(ValueError, match=r"events\.parquet: lacks the column\(s\) energy_j"):
        _ = Result(run).events


@pytest.mark.parametrize("content", [[], {"label": None}, {}])
def test_a_summary_without_a_label_is_refused(make_run: Callable[..., Path], content: object) -> None:
    run = make_run("splitfed")
    (run / "summary.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"summary\.json: expected an object"):
        _ = Result(run).summary


@pytest.mark.parametrize(("key", "value"), [("rounds", '"x"'), ("seed", "1e400"), ("rounds", "2.5")])
def test_a_summary_with_something_else_than_a_count_is_named(
    make_run: Callable[..., Path], key: str, value: str
) -> None:
    folder = make_run("splitfed")
    summary = json.loads((folder / "summary.json").read_text()) | {key: "PLACE"}
    (folder / "summary.json").write_text(json.dumps(summary).replace('"PLACE"', value))
    with pytest.raises(ValueError, match=rf"{key} is .*, not a whole number"):
        _ = (Result(folder).rounds, Result(folder).seed)


@pytest.mark.parametrize("key", [b"pandas_type", b"numpy_type"])
def test_a_table_with_damaged_metadata_is_named(make_run: Callable[..., Path], key: bytes) -> None:
    import pyarrow.parquet as pq

    file = make_run("splitfed") / "rounds.parquet"
    table = pq.read_table(file)
    described = {name: text.replace(key, b"x" * len(key)) for name, text in table.schema.metadata.items()}
    pq.write_table(table.replace_schema_metadata(described), file)
    with pytest.raises(ValueError, match=r"rounds\.parquet: not readable as Parquet"):
        _ = Result(file.parent).rounds
