"""What a worker does with a point, in a process of its own, wherever that is."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from multiprocessing import connection, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cosim.telling import in_a_line, machine_trouble, warn_plainly

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from cosim.scenario import Scenario


class Task(NamedTuple):
    """A point as a worker is given it; see ``Crew.take``."""

    scenario: Scenario
    folder: Path
    threads: int
    patience_s: float


class Answer(NamedTuple):
    """A summary, or None and why there is none; see ``Outcome``."""

    summary: dict[str, Any] | None
    problem: str = ""
    because: Literal["", "problem", "elsewhere"] = ""


def work(line: Connection[Answer, Task]) -> None:
    """Run the points that come down the ``line``, and answer each, until the parent hangs up or is gone."""
    from cosim import libraries  # noqa: PLC0415

    Thread(target=_leave_with_parent, daemon=True).start()
    warn_plainly()
    libraries.load("cosim.runner", "cosim.results", "cosim.tables", "cosim.tracking.tracker", "cosim.preparation")
    with suppress(EOFError, OSError):
        while True:
            line.send(answer(line.recv()))


def answer(task: Task) -> Answer:
    """Run a point, unless another sweep has it or has done it; whatever goes wrong costs this point and no other."""
    from cosim.claims import claimed  # noqa: PLC0415
    from cosim.sweep.kept import claim_of, kept_summary  # noqa: PLC0415

    try:
        with claimed(claim_of(task.folder), task.patience_s) as ours:
            if not ours:
                return Answer(None, because="elsewhere")
            kept = kept_summary(task.scenario, task.folder)
            return Answer(kept or run_point(task.scenario, task.folder, task.threads))
    except Exception as error:
        text = in_a_line(error)
        said = text if type(error).__name__ == "ScenarioError" else f"{type(error).__name__}: {text}"
        return Answer(None, machine_trouble(error) or said, "problem")


def run_point(scenario: Scenario, folder: Path, threads: int | None = None) -> dict[str, Any]:
    """Run the scheme of ``scenario`` in this process, in place of what ``folder`` holds, and return the summary.

    Raises:
        ScenarioError: the scenario asks for something that its corpus, model or radio cannot give.
        OSError: the results cannot be written.
    """
    from cosim import runner  # noqa: PLC0415
    from cosim.scenario.entries import entries  # noqa: PLC0415
    from cosim.tracking.keeping import Keeping  # noqa: PLC0415
    from cosim.tracking.tracker import trackers  # noqa: PLC0415

    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    keeping = Keeping(folder)
    runner.run(scenario, entries(scenario)[0], [keeping, *trackers(scenario, folder)], threads=threads)
    return keeping.summary


def _leave_with_parent() -> None:
    """A worker whose parent was killed would go on beside those of the sweep that is begun anew."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
