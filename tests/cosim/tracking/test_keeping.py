import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import analysis
from cosim import results, runner
from cosim.observer import Row
from cosim.runner import Run
from cosim.scenario import Scenario
from cosim.scenario.entries import entries
from cosim.tracking import keeping
from cosim.tracking.callback import Callback
from cosim.tracking.keeping import Keeping

Make = Callable[..., Scenario]


class Reading(Callback):
    """Loads the folder at each round, as somebody who draws a running simulation does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: list[tuple[int, bool, int, int, int]] = []

    def round(self, run: Run, row: Row) -> None:
        (result,) = analysis.load(self.folder)
        last = result.rounds["round"].max(), result.events["round"].max()
        self.found.append((row["round"], result.finished, result.summary["rounds"], *last))


def go(scenario: Scenario, *callbacks: Callback) -> Run:
    return runner.run(scenario, entries(scenario)[0], callbacks)


def test_a_run_under_way_can_be_read_with_the_rounds_it_has(
    small_scenario: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LEAST_S", 0.0)
    monkeypatch.setattr(keeping, "SHARE", 1e9)
    kept, reading = Keeping(tmp_path), Reading(tmp_path)
    go(small_scenario({"name": "federated", "rounds": 3}), kept, reading)
    assert [(number, finished, known) for number, finished, known, *_ in reading.found] == [
        (number, False, number) for number in range(4)
    ]
    assert [last[3:] for last in reading.found[1:]] == [(1, 1), (2, 2), (3, 3)]
    (result,) = analysis.load(tmp_path)
    assert result.finished
    assert result.summary == json.loads((tmp_path / "summary.json").read_text())


def test_writing_meanwhile_changes_no_result(
    small_scenario: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = small_scenario({"name": "splitfed", "cut": 1})
    results.write(go(scenario), tmp_path / "at the end")
    monkeypatch.setattr(keeping, "LEAST_S", 0.0)
    go(scenario, Keeping(tmp_path / "meanwhile"))
    for table in ("rounds", "events", "memory", "held", "links"):
        one, other = (pd.read_parquet(tmp_path / name / f"{table}.parquet") for name in ("at the end", "meanwhile"))
        pd.testing.assert_frame_equal(one, other)
    weights = Path("adapter") / "adapter_model.safetensors"
    assert (tmp_path / "meanwhile" / weights).read_bytes() == (tmp_path / "at the end" / weights).read_bytes()


def test_a_short_run_is_written_once(small_scenario: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bool] = []
    monkeypatch.setattr(results, "write", lambda run, _: written.append(run.over))
    go(small_scenario({"name": "federated"}), Keeping(tmp_path))
    assert written == [True]


def test_an_earlier_runs_results_stay_until_there_are_new_ones(small_scenario: Make, tmp_path: Path) -> None:
    results.write(go(small_scenario({"name": "federated"})), tmp_path)
    before = (tmp_path / "summary.json").read_text()

    class Killed(Callback):
        def round(self, run: Run, row: Row) -> None:
            raise SystemExit

    with pytest.raises(SystemExit):
        go(small_scenario({"name": "splitfed", "cut": 1}), Keeping(tmp_path), Killed())
    assert (tmp_path / "summary.json").read_text() == before


def test_peaks_of_a_run_cut_short_are_those_until_its_last_round(small_scenario: Make, tmp_path: Path) -> None:
    """The held bytes end with the round; so do their peaks."""

    def summary_of(rounds: int, *callbacks: Callback) -> dict[str, Any]:
        run = go(small_scenario({"name": "federated", "rounds": rounds}), *callbacks)
        return results.write(run, tmp_path / str(rounds))

    class Stop(Callback):
        def round(self, run: Run, row: Row) -> None:
            if row["round"] == 1:
                raise KeyboardInterrupt

    whole, cut_short = summary_of(1), summary_of(5, Stop())
    assert cut_short["peak_memory_bytes"] == whole["peak_memory_bytes"]
    held = [pd.read_parquet(tmp_path / name / "held.parquet") for name in ("1", "5")]
    pd.testing.assert_frame_equal(*held)
