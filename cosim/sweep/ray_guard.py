"""The guard of a cluster on this machine: ends what is left of it when its parent is gone.

python -m cosim.sweep.ray_guard FOLDER
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress

import psutil

_PATIENCE_S = 5.0
"""With processes that are told to end."""
_MOST_TURNS = 5
"""Those that are left may begin others meanwhile."""


def processes_of(folder: str) -> list[tuple[str, psutil.Process]]:
    """The processes, but this one, that name ``folder`` in their command lines or write below it, with their names.

    Ray's agents and workers replace their command lines by titles, but all have logs.
    """

    def has_to_do(process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            if any(folder in word for word in process.cmdline()):
                return True
            return any(file.path.startswith(folder) for file in process.open_files())
        return False

    found = psutil.process_iter(["name"])
    return [(each.info["name"], each) for each in found if each.pid != os.getpid() and has_to_do(each)]


def runs(process: psutil.Process) -> bool:
    """Whether it has not ended."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def guard(folder: str) -> None:
    """Wait until the parent hangs up or is gone, then end what it has left, and remove ``folder``."""
    parent = os.getppid()
    sys.stdin.read()
    for _ in range(_MOST_TURNS):
        left = [process for _, process in processes_of(folder) if process.pid != parent]
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, _PATIENCE_S)
        if not left:
            break
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    guard(sys.argv[1])
