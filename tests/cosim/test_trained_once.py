"""Runs that train the same at the same time: one trains, the others find it in the cache."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cosim import runner
from cosim.scenario import Scenario, load_scenario
from cosim.scenario.entries import entries
from cosim.trained_once import training_of
from tests.cosim.sweep.conftest import small

__all__ = ["small"]


def begun(file: Path, out: Path, *overrides: str) -> "subprocess.Popen[str]":
    """A run in a process of its own."""
    settings = [word for override in overrides for word in ("--set", override)]
    call = [sys.executable, "-m", "cosim", "run", str(file), *settings, "--quiet", "--out", str(out)]
    return subprocess.Popen(call, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def jobs(out: Path) -> dict[str, int]:
    (summary,) = out.rglob("summary.json")
    found: dict[str, int] = json.loads(summary.read_text(encoding="utf-8"))["jobs"]
    return found


def run(scenario: Scenario) -> runner.Run:
    return runner.run(scenario, entries(scenario)[0])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_that_begin_together_train_once(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache-alone"))
    alone = run(load_scenario(small)).runtime.jobs_run
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache"))
    both = [begun(small, tmp_path / mhz, f"radio.bandwidth={mhz} MHz", f"name=by-{mhz}") for mhz in ("5", "10")]
    assert [process.communicate()[1] for process in both] == ["", ""]
    assert sorted(jobs(tmp_path / mhz)["run"] for mhz in ("5", "10")) == [0, alone]
    assert not list((tmp_path / "cache" / "claims").iterdir())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_that_is_killed_while_it_trains_is_followed_by_the_one_that_waits(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = "scheme.rounds=60"
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache"))
    first = begun(small, tmp_path / "first", rounds)
    while first.poll() is None and not list((tmp_path / "cache").glob("claims/*.lock")):
        time.sleep(0.05)
    second = begun(small, tmp_path / "second", rounds, "radio.bandwidth=5 MHz")
    time.sleep(1.0)
    first.send_signal(signal.SIGKILL)
    assert second.communicate()[1] == ""
    first.communicate()
    found = json.loads(next((tmp_path / "second").rglob("summary.json")).read_text(encoding="utf-8"))
    assert found["finished"]
    assert found["jobs"]["run"] > 0


def test_what_was_trained_is_replayed_and_trained_again_where_the_cache_was_emptied(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache"))
    first = run(load_scenario(small)).runtime
    again = run(load_scenario(small, ["radio.bandwidth=5 MHz"])).runtime
    assert first.jobs_run > again.jobs_run == 0
    runner._store(load_scenario(small)).clear()  # type: ignore[union-attr]
    assert run(load_scenario(small)).runtime.jobs_run == first.jobs_run


def test_a_run_that_fails_leaves_no_claim(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache"))
    scenario = load_scenario(small)

    def story(*_: Any) -> Any:
        return 1 / 0

    monkeypatch.setattr(entries(scenario)[0].scheme, "tell", story)
    with pytest.raises(ZeroDivisionError):
        run(scenario)
    assert not list((tmp_path / "cache" / "claims").iterdir())


def test_a_name_and_figures_are_no_part_of_training(small: Path) -> None:
    assert training_of(load_scenario(small, ["name=other", "figures=[delay]"])) == training_of(load_scenario(small))
