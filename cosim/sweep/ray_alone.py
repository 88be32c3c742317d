"""A cluster of Ray on this machine alone, which ends with its sweep, however that ends.

Ray's own processes end with the one that has begun them, but what these have begun in turn outlives them for minutes.
A guard, a process that does nothing but wait for its parent's end, ends them all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Any

from cosim.sweep.resources import cores_here

_OBJECTS_BYTES = 80 * 2**20
"""The least that Ray takes; scenarios and summaries are small."""
_VITAL = ("raylet", "gcs_server")
"""Those of Ray's processes that nothing goes on without."""


class RayAlone:
    """The cluster, and the folder that all its processes have their files in."""

    def __init__(self, ray: Any, **silent: Any) -> None:
        from cosim.sweep.ray_guard import processes_of  # noqa: PLC0415 - with psutil, which comes with the extra

        folder = tempfile.mkdtemp(prefix="cosim-ray-", dir="/tmp")  # sockets have short names
        guarding = [sys.executable, "-P", "-m", "cosim.sweep.ray_guard", folder]
        self._guard = subprocess.Popen(guarding, stdin=subprocess.PIPE, env=_here(), start_new_session=True)
        own = {"num_cpus": cores_here(), "object_store_memory": _OBJECTS_BYTES, "include_dashboard": False}
        try:
            ray.init("local", _temp_dir=folder, **own, **silent)
            self._vital = {name: process for name, process in processes_of(folder) if name in _VITAL}
        except BaseException:
            self.close()
            raise

    @property
    def lost(self) -> list[str]:
        """Those of the vital processes that have ended."""
        from cosim.sweep.ray_guard import runs  # noqa: PLC0415

        return [name for name, process in self._vital.items() if not runs(process)]

    def close(self) -> None:
        """End all processes that are left, and wait until they have."""
        self._guard.communicate()


def _here() -> dict[str, str]:
    """The environment in which the guard finds this very package."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
