"""The default way of execution: the clock runs ahead, and work is done when its result is wanted, or never."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training import kept
from training.jobs import SHARED, Job, Operation, Ref, Result, Task, Value, key_of
from training.machine import PENDING_JOBS
from training.runtime import Runtime
from training.waves import Waves

if TYPE_CHECKING:
    from training.adapters import Part
    from training.lab import Lab
    from training.store import Store

_MOST_WINDOWS = 8
"""So long an act may be kept waiting for the other parts of the model, which perhaps never come to it."""


class DeferredRuntime(Runtime):
    """Notes tasks by key, the same one once; where parts learn as one (see ``whole``) their steps are one pass.

    A result that lies in ``store`` is not computed, nor is what only it needed. When ``pending`` tasks wait, the states
    that are wanted so far are computed, so that memory is bounded.
    """

    def __init__(self, lab: Lab, store: Store | None = None, pending: int = PENDING_JOBS) -> None:
        super().__init__(lab)
        self._waves = Waves(lab, store)
        self._tasks: weakref.WeakValueDictionary[str, Task] = weakref.WeakValueDictionary()
        self._pending = pending
        self._noted = 0
        self._window = 0

    def submit(self, operation: Operation, *inputs: Ref, lineage: str = "") -> Job:
        """See ``Runtime``. All that a part's task gives may be the whole's: then it will not run, and holds nothing."""
        job = super().submit(operation, *inputs, lineage=lineage)
        task = job.task
        if task is not None and task.whole is not None and job.outputs.keys() <= SHARED and not task.wanted():
            task.inputs = ()
        return job

    def values(self, refs: Sequence[Ref], assume: Sequence[Any] | None = None) -> list[Any]:
        """The values; what is missing for them is computed now, in waves."""
        values = [ref.value for ref in refs if ref.value is not None]
        self._compute([value.result for value in values])
        return [value.read(self.lab) for value in values]

    def weights(self, adapters: Sequence[Ref]) -> NDArray[np.float32]:
        """The weights of these adapters, one after another; from the store, if they are there."""
        values = [ref.value for ref in adapters if ref.value is not None]
        entries = [self._waves.store and self._waves.store.get(value.result.kept_as) for value in values]
        found = [entry.arrays["weights"] for entry in entries if entry]
        if len(found) < len(values):
            return super().weights(adapters)
        slices = [slice(None) if value.part is None else self.lab.layout.slice_of(value.part) for value in values]
        return np.concatenate([array[where] for array, where in zip(found, slices, strict=True)])

    def keep(self, refs: Sequence[Ref]) -> None:
        """Write to disk what is there and not yet on it."""
        store = self._waves.store
        if store is None:
            return
        results = {ref.value.result.kept_as: ref.value.result for ref in refs if ref.value is not None}
        for key, result in results.items():
            if result.task is None and key not in store:
                kept.write(store, key, result.value)
            self.last_kept = key

    def close(self) -> None:
        """End the threads."""
        self._waves.close()

    def _compute(self, results: list[Result]) -> None:
        self._waves.compute(results)
        self.jobs_run, self.jobs_cached = self._waves.run, self._waves.found
        self._noted = 0

    def _task(self, operation: Operation, values: Sequence[Value]) -> Task:
        task = self._intern(operation, values)
        if task.whole is None:
            task.whole = operation.unsplit(self.lab, values, self._intern)
        act, part = task.whole or (task, None)
        act.window = act.window if act.begun else self._window
        act.begun |= _bits(part or self.lab.whole)
        self._noted += 1
        if self._noted >= self._pending:
            self._window += 1
            self._compute(self._wanted_states())
        return task

    def _intern(self, operation: Operation, values: Sequence[Value]) -> Task:
        key = key_of(operation, self.lab, values)
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = Task(operation, tuple(values), key)
        return task

    def _wanted_states(self) -> list[Result]:
        """Not those, for a while, of acts that some part of the model has yet to come to.

        Such a part still is where it was, and keeps in memory what the act would replace.
        """
        whole, long_ago = _bits(self.lab.whole), self._window - _MOST_WINDOWS
        ripe = [task for task in list(self._tasks.values()) if task.begun == whole or task.window <= long_ago]
        return [result for task in ripe for result in task.wanted() if result.name == "adapter"]


def _bits(part: Part) -> int:
    """A bit for each block."""
    return (1 << part.last) - (1 << part.first)
