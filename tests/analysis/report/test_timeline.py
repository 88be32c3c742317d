"""What the page's timeline is given: all of it while there is room, and then what is left out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.load import Results, load
from analysis.report import timeline as module
from analysis.report.timeline import Timeline, timeline

MakeRun = Callable[..., Path]


def given(results: Results) -> tuple[Timeline, dict[str, Any]]:
    made = timeline(results)
    assert made is not None
    return made, json.loads(made.data)


def test_every_activity_of_every_round_is_there_to_the_nanosecond(make_run: MakeRun) -> None:
    folder = make_run("run", slowness=0.1)
    _, data = given(load(folder))
    events = load(folder)[0].events
    found = []
    for each in data["runs"][0]["rounds"]:
        starts = np.cumsum(each["s"]) + each["t"]
        kinds = [data["kinds"][kind]["key"] for kind in each["k"]]
        found += list(zip(starts.tolist(), each["d"], kinds, each["u"], strict=True))
    start_ns, end_ns = (np.rint(events[name] * 1e9).astype(int) for name in ("start_s", "end_s"))
    assert sorted(found) == sorted(zip(start_ns, end_ns - start_ns, events["kind"], events["user"], strict=True))


def test_rows_are_users_or_else_nodes_and_links(make_run: MakeRun) -> None:
    (run,) = given(load(make_run("run")))[1]["runs"]
    assert run["paths"] == ["user 0", "user 1", "everybody", "beside the users"]
    assert run["nodes"][:4] == ["cloud computing", "cloud backhaul", "edge0 computing", "edge0.downlink downlink"]
    assert not any("waiting" in name for name in run["nodes"])


def test_what_befell_a_user_stands_in_its_row(make_run: MakeRun) -> None:
    folder = make_run("run")
    events = load(folder)[0].events
    row = events.iloc[[0]].assign(node="user1", act="happening", kind="outage", user=-2)
    row.to_parquet(folder / "events.parquet")
    (run,) = given(load(folder))[1]["runs"]
    assert run["paths"] == ["user 1"] and run["nodes"] == ["user1 interruptions"]


def test_with_too_many_activities_rounds_are_left_out_but_not_the_first_and_last(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run("run")
    events = load(folder)[0].events
    rounds = [events[events["round"] == 1].assign(round=number) for number in range(1, 11)]
    module.pd.concat(rounds).to_parquet(folder / "events.parquet")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"rounds": 10}))
    monkeypatch.setattr(module, "MOST_SPANS", 3 * len(rounds[0]))
    made, data = given(load(folder))
    assert [each["n"] for each in data["runs"][0]["rounds"]] == [1, 5, 10]
    assert made.left_out == ("run: of its 10 rounds only 1, 5, 10",)


def test_with_too_many_in_one_round_users_are_left_out_but_no_server(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SPANS", 12)
    made, data = given(load(make_run("run")))
    (run,) = data["runs"]
    assert made.left_out == ("run: of its 2 rounds only 1", "run: of its 2 users only the first 1")
    assert "user 0" in run["paths"] and "user 1" not in run["paths"] and "cloud computing" in run["nodes"]


def test_with_too_many_runs_the_last_are_left_out(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RUNS", 1)
    made, data = given(load(make_run("one"), make_run("two")))
    assert [run["name"] for run in data["runs"]] == ["one"]
    assert made.left_out == ("only the first 1 of 2 runs are here",)


def test_its_data_cannot_end_the_script_it_stands_in(make_run: MakeRun) -> None:
    made, data = given(load(make_run("run", label="</script><b>&amp;")))
    assert "<" not in made.data and ">" not in made.data and "&" not in made.data
    assert data["runs"][0]["name"] == "</script><b>&amp;"


def test_it_is_told_in_words(make_run: MakeRun) -> None:
    made, _ = given(load(make_run("run")))
    assert made.in_words.endswith("round 2 of run lasts 9 s and has 13 activities.")


def test_without_activities_there_is_none(make_run: MakeRun) -> None:
    folder = make_run("run")
    (folder / "events.parquet").unlink()
    assert timeline(load(folder)) is None
