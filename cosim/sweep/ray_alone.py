"""A cluster of Ray on this machine alone, which ends with its sweep, however that ends.

Ray's own processes end with the one that has begun them, but what these have begun in turn outlives them for minutes.
A guard, a process that does nothing but wait for its parent's end, ends them all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import Any

from cosim.sweep.resources import cores_here

_OBJECTS_BYTES = 80 * 2**20
"""The least that Ray takes; scenarios and summaries are small."""
_PATIENCE_S = 5.0
"""With processes that are told to end."""


class RayAlone:
    """The cluster, and the folder that all its processes have their files in."""

    def __init__(self, ray: Any, **silent: Any) -> None:
        self.folder = tempfile.mkdtemp(prefix="cosim-ray-", dir="/tmp")  # sockets have short names
        guarding = [sys.executable, "-m", "cosim.sweep.ray_alone", self.folder]
        self._guard = subprocess.Popen(guarding, stdin=subprocess.PIPE, env=_here(), start_new_session=True)
        own = {"num_cpus": cores_here(), "object_store_memory": _OBJECTS_BYTES, "include_dashboard": False}
        try:
            ray.init("local", _temp_dir=self.folder, **own, **silent)
        except BaseException:
            self.close()
            raise
        self._vital = [process for process in _of(self.folder) if process.name() in ("raylet", "gcs_server")]

    @property
    def lost(self) -> list[str]:
        """Those of Ray's processes that nothing goes on without, and that have ended."""
        return [process.name() for process in self._vital if not _runs(process)]

    def close(self) -> None:
        """End all processes that are left, and wait until they have."""
        self._guard.communicate()


def _here() -> dict[str, str]:
    """The environment in which the guard finds this very package."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _of(folder: str) -> list[Any]:
    """The processes, but this one, that name ``folder`` in their command lines or write below it.

    Ray's agents and workers replace their command lines by titles, but all have logs.
    """
    import psutil  # noqa: PLC0415 - comes with the extra

    def has_to_do(process: Any) -> bool:
        with suppress(psutil.Error):
            if any(folder in word for word in process.cmdline()):
                return True
            return any(file.path.startswith(folder) for file in process.open_files())
        return False

    return [process for process in psutil.process_iter() if process.pid != os.getpid() and has_to_do(process)]


def _runs(process: Any) -> bool:
    import psutil  # noqa: PLC0415

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def guard(folder: str) -> None:
    """Wait until the parent hangs up or is gone, then end what it has left."""
    import psutil  # noqa: PLC0415

    parent = os.getppid()
    sys.stdin.read()
    left = [process for process in _of(folder) if process.pid != parent]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, _PATIENCE_S)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    guard(sys.argv[1])
