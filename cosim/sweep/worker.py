"""What a worker does, in a process of its own: points, one after another, until its parent hangs up or is gone."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from multiprocessing import connection, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from cosim.telling import disk_trouble, warn_plainly

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from cosim.scenario import Scenario

Answer = tuple[dict[str, Any] | None, str]
"""A summary, or None and why there is none."""


def work(line: Connection[Answer, tuple[Scenario, Path, int]]) -> None:
    """Run the points that come down the ``line``, and answer each."""
    from cosim import libraries  # noqa: PLC0415

    Thread(target=_leave_with_parent, daemon=True).start()
    warn_plainly()
    libraries.load("cosim.runner", "cosim.results", "cosim.tables", "cosim.tracking.tracker", "cosim.preparation")
    with suppress(EOFError, OSError):
        while True:
            line.send(_answer(*line.recv()))


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


def _answer(scenario: Scenario, folder: Path, threads: int) -> Answer:
    try:
        return run_point(scenario, folder, threads), ""
    except OSError as error:
        return None, disk_trouble(error)
    except Exception as error:  # whatever it is, it costs this point and no other
        text = " ".join(str(error).split())
        return None, text if type(error).__name__ == "ScenarioError" else f"{type(error).__name__}: {text}"


def _leave_with_parent() -> None:
    """A worker whose parent was killed would go on beside those of the sweep that is begun anew."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
