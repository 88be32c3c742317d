"""Processes of this machine that take one point after another; one that dies takes nothing with it but its point.

The executors of ``concurrent.futures`` and of joblib give up all that is under way when one process dies, and say not
whose work it had. Here each worker has a pipe of its own, so that its parent knows.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, resource_tracker
from typing import TYPE_CHECKING, Any

from cosim.sweep.crew import Outcome
from cosim.sweep.points import Point
from cosim.sweep.resources import Share
from cosim.sweep.worker import Task, work

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

_PATIENCE_S = 5.0
"""For a worker that is told to end, or has."""


class LocalCrew:
    """Processes of this machine, each begun when there is work for it, and again when it has died."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []

    @property
    def share(self) -> Share:
        """See ``Crew.share``."""
        return self._share

    @property
    def busy(self) -> list[Point]:
        """See ``Crew.busy``."""
        return [worker.point for worker in self._workers if worker.point is not None]

    def prepare(self, points: int) -> None:
        """See ``Crew.prepare``."""
        while len(self._workers) < min(points, self._share.workers):
            self._begin()

    def take(self, point: Point, threads: int, patience_s: float) -> None:
        """See ``Crew.take``."""
        idle = next((worker for worker in self._workers if worker.point is None), None) or self._begin()
        idle.point = point
        with suppress(OSError):  # it is dead, which ``outcomes`` will say
            idle.line.send(Task(point.scenario, point.folder, threads, patience_s))

    def outcomes(self, timeout_s: float) -> Iterator[Outcome]:
        """See ``Crew.outcomes``."""
        lines = {worker.line: worker for worker in self._workers}
        for line in connection.wait(list(lines), timeout_s):
            worker = lines[line]  # type: ignore[index]  # of all it could return, these are what it was given
            point, worker.point = worker.point, None
            try:
                answer = worker.line.recv()
            except (EOFError, OSError):  # a dead process closes its end
                self._workers.remove(worker)
                cause = worker.cause()
                if point is not None:
                    yield Outcome(point=point, problem=f"its worker {cause}", because="died")
            else:
                assert point is not None, "a worker speaks of its point"
                yield Outcome(point=point, **answer._asdict())

    def close(self) -> None:
        """See ``Crew.close``."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _begin(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(theirs,), daemon=True)
        with _deaf():
            process.start()
        theirs.close()
        begun = _Worker(process, ours)
        self._workers.append(begun)
        return begun


class _Worker:
    """A process, the line to it, and the point it has."""

    def __init__(self, process: SpawnProcess, line: Connection[Any, Any]) -> None:
        self.process = process
        self.line = line
        self.point: Point | None = None

    def cause(self) -> str:
        """Of its death."""
        self.process.join(_PATIENCE_S)
        code = self.process.exitcode
        self.line.close()
        if code is not None and code < 0:
            hint = ", as it does where memory runs out" if -code == signal.SIGKILL else ""
            return f"was killed by {signal.Signals(-code).name}{hint}"
        return f"ended with exit status {code}"

    def end(self) -> None:
        self.process.terminate()
        self.line.close()
        self.process.join(_PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes begun meanwhile do not hear Ctrl-C, which their parent deals with; it hears of it afterwards."""
    resource_tracker.ensure_running()  # which would lift the block when it begins
    heard: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))  # another thread may be given it
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
    if heard and callable(handler):
        handler(signal.SIGINT, None)
