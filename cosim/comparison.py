"""Runs every scheme of a scenario with every seed under common random numbers, several at a time."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import yaml

from cosim import runner
from cosim.observer import Row
from cosim.results import appearing
from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.entries import Entry, entries
from cosim.telling import warn_plainly
from cosim.tracking.callback import Callback, Telling
from cosim.tracking.keeping import Keeping
from cosim.tracking.tracker import trackers

_POLL_S = 0.1
_SEED = "seed-"

Summary = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A run of a comparison: the scheme at a place of the scenario's list, a seed, and the folder of its results."""

    name: str
    place: int
    rounds: int
    seed: int
    folder: Path


def plan(scenario: Scenario, seeds: Sequence[int], folder: Path) -> list[Planned]:
    """Every scheme with every seed; all schemes of a seed first, so that what is cut short can be compared.

    Results go to ``folder/LABEL`` where there is one seed, to ``folder/LABEL/seed-K`` where there are several.
    """
    several = len(seeds) > 1
    return [
        Planned(
            name=f"{entry.label}, seed {seed}" if several else entry.label,
            place=place,
            rounds=entry.options.rounds,
            seed=seed,
            folder=folder / entry.label / f"{_SEED}{seed}" if several else folder / entry.label,
        )
        for seed in seeds
        for place, entry in enumerate(entries(scenario))
    ]


def note_order(planned: Sequence[Planned], folder: Path) -> None:
    """Leave in ``order.json`` of which scheme there is first, so that tables and figures of it keep that order."""
    labels = dict.fromkeys(run.folder.relative_to(folder).parts[0] for run in planned)
    with appearing(folder / "order.json") as path:
        path.write_text(json.dumps(list(labels), indent=2) + "\n", encoding="utf-8")


def make_way(planned: Sequence[Planned]) -> None:
    """Move an earlier comparison's only run of a label, which would hide runs of several seeds below it, beside them.

    Raises:
        ScenarioError: its seed cannot be read.
    """
    for parent in {run.folder.parent for run in planned if run.folder.name == f"{_SEED}{run.seed}"}:
        file = parent / "scenario.yaml"
        if file.is_file():
            try:
                seed = int(yaml.safe_load(file.read_text(encoding="utf-8"))["seed"])
            except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
                raise ScenarioError(f"{file}: not readable; name another folder with --out") from error
            below = parent / f"{_SEED}{seed}"
            if below.exists():
                shutil.rmtree(below)
            below.mkdir()
            for path in [path for path in parent.iterdir() if not path.name.startswith(_SEED)]:
                path.rename(below / path.name)


def compare(
    scenario: Scenario, planned: Sequence[Planned], workers: int | None, tell: Callable[[str, Row], None]
) -> list[Summary | None]:
    """Run all that is ``planned`` and return the summaries, in the same order.

    Each worker is a process; they share the cores, and ``workers`` defaults to as many. On Ctrl-C every running
    run ends with the rounds it has; one that has not begun has no summary.

    Raises:
        ScenarioError: as ``runner.run``; where memory is limited and a run does not fit, none is begun.
    """
    context = multiprocessing.get_context("spawn")
    line = _Line(context.Queue(), context.Event())
    cores = os.cpu_count() or 1
    count = min(workers or cores, len(planned))
    with ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(line,)) as pool:
        threads = max(1, cores // count)
        if scenario.limits_memory:  # all are refused before one has begun
            for checked in [pool.submit(_check, scenario, run, threads) for run in planned]:
                checked.result()
        futures = [pool.submit(_work, scenario, run, threads) for run in planned]
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
    warn_plainly()


class _Undisturbed(Callback):
    """What is kept of a run at its end is kept whole, even if Ctrl-C comes again."""

    def end(self, run: runner.Run) -> None:
        """See ``Callback.end``."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _check(scenario: Scenario, planned: Planned, threads: int) -> None:
    """Lay the run out and nothing more."""
    runner.laid_out(*_meant(scenario.model_copy(update={"execution": "analytic"}), planned), threads)


def _meant(scenario: Scenario, planned: Planned) -> tuple[Scenario, Entry]:
    """The scenario with the run's seed, and its scheme."""
    seeded = scenario.model_copy(update={"seed": planned.seed})
    return seeded, entries(seeded)[planned.place]


def _work(scenario: Scenario, planned: Planned, threads: int) -> Summary:
    if _line.stop.is_set():
        raise KeyboardInterrupt
    seeded, entry = _meant(scenario, planned)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    keeping = Keeping(planned.folder)
    told = Telling(lambda row: _line.news.put((planned.name, row)))
    try:
        callbacks = [_Undisturbed(), keeping, told, *trackers(seeded, keeping.folder)]
        runner.run(seeded, entry, callbacks, threads=threads)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return keeping.summary
