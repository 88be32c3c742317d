"""Runtimes: when tasks run. ``eager`` at their events, ``analytic`` never; ``deferred`` is in a file of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.jobs import Job, Operation, Ref, Task, Value, key_of

if TYPE_CHECKING:
    from training.lab import Lab


class Unavailable(RuntimeError):  # noqa: N818 - an answer, not a fault: analytic runs compute no values
    """A value was asked for that this way of execution never computes."""


class Runtime(ABC):
    """Takes jobs, and answers for their values. The clock tells it when a job's event has come."""

    computes_values = True

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.jobs_run = 0
        self.jobs_cached = 0
        self.last_kept = ""
        """The key in the store of the latest result that was kept."""

    def submit(self, operation: Operation, *inputs: Ref, lineage: str = "") -> Job:
        """A job whose cost and result sizes are known at once; its results continue the lineage of its first input."""
        return Job(
            inputs=inputs,
            cost=operation.cost(self.lab, inputs),
            outputs=operation.outputs(self.lab, inputs),
            lineage=lineage or (inputs[0].lineage if inputs else ""),
            task=self._task(operation, [ref.value for ref in inputs if ref.value is not None]),
        )

    def reached(self, job: Job) -> None:  # noqa: B027 - most ways of execution do nothing then
        """The simulated event at which ``job`` is complete."""

    @abstractmethod
    def values(self, refs: Sequence[Ref], assume: Sequence[Any] | None = None) -> list[Any]:
        """The values of all ``refs``, asked for together so that they can be computed together.

        ``assume`` says what an analytic run takes them to be, which computes none.
        """

    def weights(self, adapters: Sequence[Ref]) -> NDArray[np.float32]:
        """The weights of these adapters, one after another."""
        return np.concatenate([state.weights.cpu().numpy() for state in self.values(adapters)])

    def keep(self, refs: Sequence[Ref]) -> None:  # noqa: B027 - most ways of execution keep nothing
        """Those of these results that are there may be needed by a later run."""

    def close(self) -> None:  # noqa: B027 - most have nothing to end
        """No job comes any more."""

    def _task(self, operation: Operation, values: Sequence[Value]) -> Task | None:
        return Task(operation, tuple(values), key_of(operation, self.lab, values))


class EagerRuntime(Runtime):
    """Runs every job at its event: the reference that other ways of execution are compared with."""

    def reached(self, job: Job) -> None:
        """Run the job, and before it any input that took no simulated time."""
        assert job.task is not None
        self._run(job.task)

    def values(self, refs: Sequence[Ref], assume: Sequence[Any] | None = None) -> list[Any]:
        """The values, computed now where their events took no simulated time."""
        values = [ref.value for ref in refs if ref.value is not None]
        for value in values:
            if value.result.task is not None:
                self._run(value.result.task)
        return [value.read(self.lab) for value in values]

    def _run(self, task: Task) -> None:
        pending = [task]
        while pending:
            current = pending[-1]
            missing = [v.result.task for v in current.inputs if v.result.task is not None]
            if missing and current.values is None:
                pending.extend(missing)
                continue
            pending.pop()
            if current.values is None:
                self._run_one(current)

    def _run_one(self, task: Task) -> None:
        task.settle(task.operation.run(self.lab, [value.read(self.lab) for value in task.inputs]))
        self.jobs_run += 1


class AnalyticRuntime(Runtime):
    """Runs nothing: delay, traffic, memory and energy only."""

    computes_values = False

    def values(self, refs: Sequence[Ref], assume: Sequence[Any] | None = None) -> list[Any]:
        """What the scheme says to assume; no number is invented.

        Raises:
            Unavailable: the scheme does not say.
        """
        if assume is not None:
            return list(assume)
        if refs:
            raise Unavailable(
                f"execution = 'analytic': the scheme decides by {refs[0].name!r}, which an analytic run does not "
                "compute, and does not say what to assume; choose 'deferred' or 'eager'"
            )
        return []

    def _task(self, operation: Operation, values: Sequence[Value]) -> Task | None:
        return None
