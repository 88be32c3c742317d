"""Workers anywhere in a cluster of Ray; without the address of one, in a cluster on this machine alone.

All machines see the folder of the sweep, the cache, and the corpus and model of the scenario under the same paths.
"""

from __future__ import annotations

import os
import pickle
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cosim
from cosim.scenario import Scenario, ScenarioError
from cosim.sweep.crew import Outcome
from cosim.sweep.points import Point
from cosim.sweep.ray_alone import RayAlone
from cosim.sweep.resources import Node, Share, need_bytes, share_of
from cosim.sweep.worker import Answer, Task
from cosim.telling import in_a_line
from training.store import default_folder

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a warning
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # what Ray prints of a worker that died: the sweep says so
}
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Ray's way to say that no other machine is to join, so that it listens on the loopback interface alone."""
_CAUSES = {
    "WorkerCrashedError": "died",
    "OutOfMemoryError": "was killed, for memory ran out on its machine",
    "NodeDiedError": "was on a machine that is gone",
}
_LOOPBACK = ("localhost", "127.0.0.1")
_PATIENCE_S = 10.0
"""With a machine that is to answer."""


class RayCrew:
    """A task of Ray a point; Ray finds a machine that has the cores and the memory for it.

    Raises:
        ScenarioError: Ray is not installed, or there is no cluster at ``address``.
        ConnectionError: from ``outcomes``, if a cluster on this machine has ended.
    """

    def __init__(self, address: str | None, wanted: int | None, scenario: Scenario, points: int) -> None:
        self._ray, self._alone = _connected(address)
        self._running: dict[Any, Point] = {}
        try:
            self._prepare(wanted, scenario, points)
        except BaseException:
            self.close()
            raise

    def _prepare(self, wanted: int | None, scenario: Scenario, points: int) -> None:
        """Find out what a point needs, and how many have room."""
        nodes = [_node(each["Resources"]) for each in self._ray.nodes() if each["Alive"]]
        accelerated = scenario.execution != "analytic" and scenario.host.device != "cpu"
        self._need = Node(
            cores=1,
            nbytes=min(need_bytes(scenario), max(node.nbytes for node in nodes)),
            accelerators=int(accelerated and any(node.accelerators for node in nodes)),
        )
        self._share = share_of(nodes, wanted, self._need, points)
        self._remote = self._ray.remote(max_retries=0)(_answering(_modules()))

    @property
    def share(self) -> Share:
        """See ``Crew.share``."""
        return self._share

    @property
    def busy(self) -> list[Point]:
        """See ``Crew.busy``."""
        return list(self._running.values())

    def prepare(self, points: int) -> None:
        """Ray begins its workers by itself."""

    def take(self, point: Point, threads: int, patience_s: float) -> None:
        """See ``Crew.take``."""
        task = Task(point.scenario, point.folder, threads, patience_s)
        wanted = self._remote.options(
            num_cpus=threads, memory=self._need.nbytes, num_gpus=self._need.accelerators, name=point.name
        )
        self._running[wanted.remote(pickle.dumps(task))] = point

    def outcomes(self, timeout_s: float) -> Iterator[Outcome]:
        """See ``Crew.outcomes``."""
        if not self._running:
            return
        begun, _ = self._ray.wait(list(self._running), timeout=timeout_s)
        if not begun and self._alone is not None and (lost := self._alone.lost):
            raise ConnectionError(f"--backend ray: the {' and '.join(lost)} of Ray ended while points were under way")
        over, _ = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        for reference in over:
            point = self._running.pop(reference)
            try:
                found: Answer = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:
                yield Outcome(point=point, problem=_last_line(error), because="problem")
            except self._ray.exceptions.RayError as error:
                yield Outcome(point=point, problem=f"its worker {_cause(error)}", because="died")
            else:
                yield Outcome(point=point, **found._asdict())

    def close(self) -> None:
        """See ``Crew.close``."""
        if self._alone is None or not self._alone.lost:
            for reference in self._running:
                self._ray.cancel(reference, force=True)
        self._running.clear()
        self._ray.shutdown()
        if self._alone is not None:
            self._alone.close()


def _answering(modules: Sequence[str]) -> Callable[[bytes], Answer]:
    """What a worker does, at the place where the sweep is.

    It is sent to workers as code, not by name, so that they find this very version of the package, and modules of the
    user's own, before they look for any.
    """
    folder, cache = str(Path.cwd()), str(default_folder().absolute())

    def answer_there(task: bytes) -> Answer:
        import os  # noqa: PLC0415
        import pickle  # noqa: PLC0415
        import sys  # noqa: PLC0415

        os.chdir(folder)
        os.environ["COSIM_CACHE"] = cache
        sys.path[:0] = [path for path in modules if path not in sys.path]
        from cosim.sweep.worker import answer  # noqa: PLC0415

        return answer(pickle.loads(task))

    return answer_there


def _modules() -> list[str]:
    """Folders of modules beyond what is installed: of this package, unless it is, and of the user."""
    installed = tuple(Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix))
    folders = [Path(cosim.__file__).parents[1], *map(Path, sys.path)]
    beyond = [folder.resolve() for folder in folders if not any(map(folder.resolve().is_relative_to, installed))]
    return list(dict.fromkeys(map(str, beyond)))


def _connected(address: str | None) -> tuple[Any, RayAlone | None]:
    """Ray, joined to the cluster at ``address``, or to one begun here."""
    os.environ.update(_QUIET)
    if address is None:
        os.environ.update(_ALONE)
    try:
        import ray  # noqa: PLC0415 - an extra, and slow
    except ImportError as error:
        raise ScenarioError("--backend ray: needs the package ray; pip install cosim[ray]") from error
    silent: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address is None:
            return ray, RayAlone(ray, **silent)
        _knock(address, here=ray.util.get_node_ip_address())
        ray.init(address, **silent)
    except Exception as error:  # Ray has no class of its own for what keeps it from starting
        reason = in_a_line(error)
        if address is None:
            raise ScenarioError(f"--backend ray: no cluster could be begun here ({reason})") from error
        hint = "; is it one that asks for a token? then set RAY_AUTH_MODE=token" if "connect to Ray" in reason else ""
        raise ScenarioError(f"--address {address}: no cluster of Ray ({reason}{hint})") from error
    return ray, None


def _knock(address: str, here: str) -> None:
    """Ray itself would try for minutes; this machine it calls by its address ``here``, not by that of the loopback.

    Raises:
        OSError: nobody listens there.
        ValueError: it is no address.
    """
    host, colon, port = address.rpartition(":")
    if not colon and address == "auto":
        return
    if not (host and port.isdecimal()):
        raise ValueError("expected HOST:PORT, or auto")
    host = here if host in _LOOPBACK else host
    socket.create_connection((host, int(port)), _PATIENCE_S).close()


def _node(resources: dict[str, float]) -> Node:
    return Node(
        cores=int(resources.get("CPU", 0)),
        nbytes=int(resources.get("memory", 0)),
        accelerators=int(resources.get("GPU", 0)),
    )


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]


def _cause(error: Exception) -> str:
    """In our words, else the first sentence of Ray's."""
    sentence = in_a_line(error).partition(". ")[0]
    return _CAUSES.get(type(error).__name__, f"died ({sentence})")
