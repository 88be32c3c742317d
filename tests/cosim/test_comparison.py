"""What runs a comparison has, where they go, and what their parent does while they run."""

import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cosim import comparison
from cosim.scenario import ScenarioError, load_scenario

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart.yaml"
ROW = {"round": 1, "sim_time_s": 1.0, "train_loss": None}


class Interrupted:
    """Something to call during which Ctrl-C is pressed, the first time."""

    def __init__(self, then: Callable[..., Any]) -> None:
        self.then = then
        self.calls = 0

    def __call__(self, *given: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls == 1:
            raise KeyboardInterrupt
        return self.then(*given, **options)


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """The signal handlers that were set, none of them in truth."""
    were_set: list[tuple[Any, Any]] = []
    monkeypatch.setattr(signal, "signal", lambda *given: were_set.append(given))
    monkeypatch.setattr(comparison, "_POLL_S", 0.001)
    return were_set


@pytest.mark.parametrize("moment", ["done", "get", "tell"])
def test_ctrl_c_at_any_moment_asks_the_workers_to_stop_and_hears_them_out(
    handlers: list[tuple[Any, Any]], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    future: Future[Any] = Future()
    news: queue.Queue[Any] = queue.Queue()
    line = comparison._Line(news, threading.Event())
    heard: list[str] = []
    tell: Callable[..., Any] = lambda label, row: heard.append(label)  # noqa: E731
    for label in ("first", "second"):
        news.put((label, ROW))
    future.set_result({})
    if moment == "done":
        monkeypatch.setattr(future, "done", Interrupted(future.done))
    elif moment == "get":
        monkeypatch.setattr(news, "get", Interrupted(news.get))
    else:
        tell = Interrupted(tell)
    comparison._listen([future], line, tell)
    assert line.stop.is_set()
    assert handlers == [(signal.SIGINT, signal.SIG_IGN)]
    assert heard == (["second"] if moment == "tell" else ["first", "second"])


def test_news_from_before_the_last_run_ended_are_passed_on(handlers: list[tuple[Any, Any]]) -> None:
    news: queue.Queue[Any] = queue.Queue()
    heard: list[str] = []
    answers = iter([False, True])

    def done() -> bool:
        ended = next(answers)
        news.put(("last" if ended else "first", ROW))
        return ended

    future: Any = SimpleNamespace(done=done)
    comparison._listen([future], comparison._Line(news, threading.Event()), lambda label, row: heard.append(label))
    assert heard == ["first", "last"]
    assert handlers == []


def planned(seeds: list[int], folder: Path) -> list[comparison.Planned]:
    scenario = load_scenario(QUICKSTART, ["compare=[{name: federated, rounds: 3}]"])
    return comparison.plan(scenario, seeds, folder)


def test_of_one_seed_results_go_to_the_label(tmp_path: Path) -> None:
    runs = planned([7], tmp_path)
    assert [(run.name, run.seed, run.rounds, run.folder) for run in runs] == [
        ("splitfed", 7, 8, tmp_path / "splitfed"),
        ("federated", 7, 3, tmp_path / "federated"),
    ]


def test_of_several_seeds_they_go_below_it_and_all_schemes_of_a_seed_come_first(tmp_path: Path) -> None:
    runs = planned([7, 3], tmp_path)
    assert [(run.name, run.place, run.folder.relative_to(tmp_path).as_posix()) for run in runs] == [
        ("splitfed, seed 7", 0, "splitfed/seed-7"),
        ("federated, seed 7", 1, "federated/seed-7"),
        ("splitfed, seed 3", 0, "splitfed/seed-3"),
        ("federated, seed 3", 1, "federated/seed-3"),
    ]


def test_an_earlier_run_of_one_seed_is_kept_beside_those_of_several(tmp_path: Path) -> None:
    """Where it was, it would be all that is found of the label."""
    label = tmp_path / "splitfed"
    (label / "adapter").mkdir(parents=True)
    (label / "adapter" / "weights").write_text("old")
    (label / "scenario.yaml").write_text("seed: 9")
    (label / "seed-0").mkdir()
    (label / "seed-0" / "scenario.yaml").write_text("seed: 0")
    comparison.make_way(planned([0, 1], tmp_path))
    assert sorted(path.relative_to(label).as_posix() for path in label.rglob("*") if path.is_file()) == [
        "seed-0/scenario.yaml",
        "seed-9/adapter/weights",
        "seed-9/scenario.yaml",
    ]
    comparison.make_way(planned([0, 1], tmp_path))  # nothing more to move
    assert (label / "seed-9" / "scenario.yaml").is_file()


def test_a_run_of_one_seed_stays_for_a_comparison_of_one(tmp_path: Path) -> None:
    (tmp_path / "splitfed").mkdir()
    (tmp_path / "splitfed" / "scenario.yaml").write_text("seed: 9")
    comparison.make_way(planned([0], tmp_path))
    assert (tmp_path / "splitfed" / "scenario.yaml").is_file()


@pytest.mark.parametrize("text", ["", "[]", "name: x", "seed: first", "{"])
def test_a_run_whose_seed_is_unreadable_is_left_alone_and_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "splitfed").mkdir()
    (tmp_path / "splitfed" / "scenario.yaml").write_text(text)
    with pytest.raises(ScenarioError, match=r"scenario.yaml: not readable; name another folder with --out"):
        comparison.make_way(planned([0, 1], tmp_path))
    assert (tmp_path / "splitfed" / "scenario.yaml").read_text() == text
