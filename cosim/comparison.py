"""Runs every scheme of a scenario under common random numbers, several at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from cosim import runner
from cosim.observer import Row
from cosim.scenario import Scenario
from cosim.scenario.entries import Entry, entries
from cosim.tracking.callback import Callback, Telling
from cosim.tracking.keeping import Keeping
from cosim.tracking.tracker import trackers

_POLL_S = 0.1

Summary = dict[str, Any]


def compare(
    scenario: Scenario, folder: Path, workers: int | None, tell: Callable[[str, Row], None]
) -> list[Summary | None]:
    """Run all schemes into ``folder/LABEL`` and return their summaries, in the order of the scenario.

    Each worker is a process; they share the cores, and ``workers`` defaults to as many. On Ctrl-C every running
    scheme ends with the rounds it has; one that has not begun has no summary.
    """
    found = entries(scenario)
    context = multiprocessing.get_context("spawn")
    line = _Line(context.Queue(), context.Event())
    cores = os.cpu_count() or 1
    count = min(workers or cores, len(found))
    with ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(line,)) as pool:
        threads = max(1, cores // count)
        futures = [pool.submit(_work, scenario, index, folder, threads) for index in range(len(found))]
        _listen(futures, line, tell)
        return [_outcome(future) for future in futures]


@dataclass(frozen=True)
class _Line:
    """Between the workers and their parent: news of rounds one way, the wish to stop the other."""

    news: Any
    stop: Any


def _listen(futures: Sequence[Future[Summary]], line: _Line, tell: Callable[[str, Row], None]) -> None:
    """Pass on what the workers report until all are done; Ctrl-C reaches them by itself, and they finish."""
    while True:
        try:
            _pass_on(futures, line, tell)
            return
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            line.stop.set()


def _pass_on(futures: Sequence[Future[Summary]], line: _Line, tell: Callable[[str, Row], None]) -> None:
    done = False
    while not done:
        done = all(future.done() for future in futures)  # asked first: what came before it is in the queue
        with suppress(Empty):
            while True:
                tell(*line.news.get(timeout=_POLL_S))


def _outcome(future: Future[Summary]) -> Summary | None:
    try:
        return future.result()
    except KeyboardInterrupt:
        return None


_line: _Line  # the worker's to its parent, set once as the process begins


def _begin(line: _Line) -> None:
    global _line  # noqa: PLW0603 - queues can only be inherited
    _line = line
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an idle worker has nothing to interrupt


class _Undisturbed(Callback):
    """What is kept of a run at its end is kept whole, even if Ctrl-C comes again."""

    def end(self, run: runner.Run) -> None:
        """See ``Callback.end``."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(scenario: Scenario, index: int, folder: Path, threads: int) -> Summary:
    if _line.stop.is_set():
        raise KeyboardInterrupt
    entry: Entry = entries(scenario)[index]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    keeping = Keeping(folder / entry.label)
    told = Telling(lambda row: _line.news.put((entry.label, row)))
    try:
        callbacks = [_Undisturbed(), keeping, told, *trackers(scenario, keeping.folder)]
        runner.run(scenario, entry, callbacks, threads=threads)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return keeping.summary
