"""Computes what is wanted, and nothing else: independent tasks of one kind and shape run together, as a wave.

Which tasks share a pass is decided by their keys alone, so that it is the same whenever the same results are wanted,
whatever order the simulation asked for them in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import accumulate, groupby
from math import ceil
from operator import itemgetter
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from training import kept

if TYPE_CHECKING:
    from training.jobs import Result, Task
    from training.lab import Lab
    from training.store import Store


class Waves:
    """Runs tasks on the lanes of a machine; ``store`` is asked before anything is run."""

    def __init__(self, lab: Lab, store: Store | None) -> None:
        self.lab = lab
        self.store = store
        self.run = 0
        self.found = 0
        self._pool: ThreadPoolExecutor | None = None
        self._lanes: SimpleQueue[Lab] = SimpleQueue()

    def compute(self, results: list[Result]) -> None:
        """Settle ``results``, and of what they depend on no more than that takes.

        The list is emptied: it must not keep in memory those which but lead to others.
        """
        missing = self._missing(results)
        dependents: dict[Task, list[Task]] = defaultdict(list)
        ready = []
        for task in missing:
            producers = {v.result.task for v in task.inputs if v.result.task is not None}
            missing[task] = len(producers)
            for producer in producers:
                dependents[producer].append(task)
            if not producers:
                ready.append(task)
        missing = {task: count for task, count in missing.items() if count}
        while ready:
            now, ready = self._next(ready)
            self._run(now)
            for task in now:
                for dependent in dependents.pop(task, ()):
                    missing[dependent] -= 1
                    if not missing[dependent]:
                        del missing[dependent]
                        ready.append(dependent)
            del now, task  # a task keeps its values: what nobody else holds is freed here

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _missing(self, results: list[Result]) -> dict[Task, int]:
        """The tasks that must run for ``results``: what lies on disk is taken from there, and what only it needed."""
        missing: dict[Task, int] = {}
        while results:
            result = results.pop()
            task = result.task
            if task is None or task in missing or self._find(result, task):
                continue
            missing[task] = 0
            results.extend(value.result for value in task.inputs)
        return missing

    def _find(self, result: Result, task: Task) -> bool:
        if self.store is None or result.name not in task.operation.kept:
            return False
        entry = self.store.get(result.kept_as)
        if entry is None:
            return False
        result.settle(kept.read(entry, self.lab.device))
        self.found += 1
        return True

    def _next(self, ready: list[Task]) -> tuple[list[Task], list[Task]]:
        """What runs now, and what waits, for it may find company."""
        urgency = {task: self._urgency(task) for task in ready}
        most_urgent = min(urgency.values())
        now = [task for task in ready if urgency[task] == most_urgent]
        return now, [task for task in ready if urgency[task] != most_urgent]

    def _urgency(self, task: Task) -> int:
        return 0 if task.operation.wave(self.lab) is None else task.operation.urgency

    def _run(self, tasks: list[Task]) -> None:
        groups: dict[Hashable, list[Task]] = defaultdict(list)
        for task in sorted(tasks, key=lambda task: task.operation.place(task)):
            groups[task.operation.wave(self.lab)].append(task)
        chunks = [chunk for wave, group in groups.items() for chunk in self._chunks(group, alone=wave is None)]
        done: Iterator[list[Any]]
        if len(chunks) == 1 or self.lab.lanes == 1 or None in groups:
            done = (_results(self.lab, chunk) for chunk in chunks)
        else:
            done = self._threads().map(self._in_lane, chunks)
        for chunk, values in zip(chunks, done, strict=True):  # one by one: what a pass replaces is freed for the next
            for task, outcome in zip(chunk, values, strict=True):
                task.settle(outcome)
        self.run += len(tasks)

    def _chunks(self, group: list[Task], *, alone: bool) -> Iterator[list[Task]]:
        """Parts of ``group`` of nearly equal size, none wider than the machine takes at once."""
        operations = [task.operation for task in group]
        passes = type(operations[0]).passes(operations)
        shares = [Fraction(1, 1 if alone else passes * self.lab.width(operation)) for operation in operations]
        ends = list(accumulate(shares))
        count = ceil(ends[-1])
        places = [int((end - share / 2) * count / ends[-1]) for end, share in zip(ends, shares, strict=True)]
        for _, chunk in groupby(zip(places, group, strict=True), key=itemgetter(0)):
            yield [task for _, task in chunk]

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            for _ in range(self.lab.lanes):
                self._lanes.put(self.lab.replica())
            self._pool = ThreadPoolExecutor(self.lab.lanes, thread_name_prefix="lane")
        return self._pool

    def _in_lane(self, chunk: list[Task]) -> list[Any]:
        lab = self._lanes.get()
        try:
            return _results(lab, chunk)
        finally:
            self._lanes.put(lab)


def _results(lab: Lab, chunk: list[Task]) -> list[Any]:
    operations = [task.operation for task in chunk]
    values = [[value.read(lab) for value in task.inputs] for task in chunk]
    return type(operations[0]).run_together(lab, operations, values)
