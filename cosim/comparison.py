"""Runs every scheme of a scenario under common random numbers, several at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from queue import Empty
from typing import Any

from cosim import results, runner
from cosim.observer import Row
from cosim.scenario import Scenario
from cosim.scenario.entries import Entry, entries

_POLL_S = 0.1


def compare(
    scenario: Scenario, folder: Path, workers: int | None, tell: Callable[[str, Row], None]
) -> list[dict[str, Any]]:
    """Run all schemes into ``folder/LABEL`` and return their summaries, in the order of the scenario.

    Each worker is a process with one torch thread; ``workers`` defaults to the cores there are. On Ctrl-C every run
    ends with the rounds it has.
    """
    found = entries(scenario)
    count = min(workers or os.cpu_count() or 1, len(found))
    if count == 1:
        return [run_into(scenario, entry, folder, lambda row, e=entry: tell(e.label, row)) for entry in found]  # type: ignore[misc]
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(count, mp_context=context) as pool:
        news = manager.Queue()
        futures = [pool.submit(_work, scenario, index, folder, news) for index in range(len(found))]
        _listen(futures, news, tell)
        return [future.result() for future in futures]


def run_into(scenario: Scenario, entry: Entry, folder: Path, tell: Callable[[Row], None]) -> dict[str, Any]:
    """Run one scheme and write its results under its label."""
    return results.write(runner.run(scenario, entry, tell), folder / entry.label)


def _work(scenario: Scenario, index: int, folder: Path, news: Any) -> dict[str, Any]:
    entry = entries(scenario)[index]
    return run_into(scenario, entry, folder, lambda row: news.put((entry.label, row)))


def _listen(futures: Sequence[Future[Any]], news: Any, tell: Callable[[str, Row], None]) -> None:
    """Pass on what the workers report until all are done; an interrupt reaches them by itself, and they finish."""
    while not all(future.done() for future in futures) or not news.empty():
        try:
            tell(*news.get(timeout=_POLL_S))
        except Empty:
            continue
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
