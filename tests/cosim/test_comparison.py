"""What the parent of several runs does while they run."""

import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from cosim import comparison

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
