"""Jobs and tasks: real training work as pure operations, whose costs, sizes and keys are known before they run.

A ``Job`` is what the simulation sees: a cost, results of known size to pass on by reference. A ``Task`` is the
computation behind it: an operation on results of other tasks, with a key. A ``Runtime`` decides when tasks run.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from training.keys import code_of, digest

if TYPE_CHECKING:
    from training.adapters import Part, Ranks
    from training.lab import Lab

PayloadKind = Literal["activation", "gradient", "adapter", "label", "model", "position"]
"""What a message carries; what is never sent has none. Positions are those of a sparse adapter's values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """One result of an operation: its bytes on the wire, and as what it would be sent.

    ``ranks`` are those of an adapter that is narrower than the layout; ``whole_bytes`` are those of what travels
    compressed when it is restored.
    """

    nbytes: int = 0
    kind: PayloadKind | None = None
    ranks: Ranks | None = None
    whole_bytes: int | None = None

    @property
    def restored(self) -> Output:
        """What the receiver makes of it: the same without compression."""
        return self if self.whole_bytes is None else replace(self, nbytes=self.whole_bytes, whole_bytes=None)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a job asks of the entity that runs it.

    ``saved_bytes`` are activations, kept until a later job takes ``HELD`` where ``keeps`` is set, else until the job
    ends; ``transient_bytes`` come on top while it runs; ``resident_bytes`` stay for good, by kind, once a lineage.
    """

    flops: int = 0
    saved_bytes: int = 0
    transient_bytes: int = 0
    keeps: bool = False
    resident_bytes: Mapping[str, int] = field(default_factory=dict)


HELD = "held"
"""The result that stands for what a part keeps from its forward to its backward."""


class Operation(ABC):
    """A pure function from input values to named results. Subclasses are frozen dataclasses of hyper-parameters."""

    reads: ClassVar[tuple[str, ...]] = ()
    """What of the lab the results depend on, by the names of ``Lab.fingerprint``."""
    kept: ClassVar[frozenset[str]] = frozenset()
    """Results worth keeping on disk."""
    keeps_inputs: ClassVar[bool] = False
    """Whether what it worked on is still needed when it has run."""
    urgency: ClassVar[int] = 1
    """Of what could run, the lowest goes first; what runs alone, and is small, goes before all."""

    @abstractmethod
    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """Names and sizes of the results; needs no tensor."""

    @abstractmethod
    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """What running it takes; needs no tensor."""

    @abstractmethod
    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """The results on real tensors."""

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The same act on the whole model, if this one, on a part of it, gives but a slice of that; see ``whole``."""
        return None

    def wave(self, lab: Lab) -> Hashable | None:
        """What operations that may run together have in common; None for one that runs alone."""
        return None

    def tokens(self) -> int:
        """The size of the work, by which the width of a wave is chosen."""
        return 1

    def pass_bytes(self, lab: Lab) -> int:
        """Memory that one of them takes in a pass."""
        return 0

    @classmethod
    def passes(cls, group: Sequence[Operation]) -> int:  # noqa: ARG003 - for subclasses
        """For how many passes ``group`` is gathered, if it sorts by itself what goes into which."""
        return 1

    def place(self, task: Task) -> str:
        """By what tasks of a wave are ordered."""
        return task.key

    @classmethod
    def run_together(cls, lab: Lab, group: Sequence[Operation], values: Sequence[Sequence[Any]]) -> list[Any]:
        """The results of each of ``group``, all of one wave."""
        return [operation.run(lab, given) for operation, given in zip(group, values, strict=True)]


class Result:
    """A named result of a task, which it forgets as soon as the value is there: values live as long as results."""

    __slots__ = ("__weakref__", "name", "task", "task_key", "value")

    def __init__(self, task: Task, name: str) -> None:
        self.task: Task | None = task
        self.task_key = task.key
        self.name = name
        self.value: Any = None

    @property
    def key(self) -> str:
        """Tells results apart."""
        return f"{self.task_key} {self.name}"

    @property
    def kept_as(self) -> str:
        """Its key in a store."""
        return digest(self.key)

    def settle(self, value: Any) -> None:
        """Take the value, and let the past go."""
        if self.task is not None:
            self.value, self.task = value, None


class Value(NamedTuple):
    """A result, or of a whole adapter the slice that belongs to ``part``."""

    result: Result
    part: Part | None = None

    @property
    def key(self) -> str:
        """Tells values apart, slices included."""
        return self.result.key if self.part is None else f"{self.result.key} {self.part}"

    def read(self, lab: Lab) -> Any:
        """The value itself.

        Raises:
            RuntimeError: its task has not run.
        """
        if self.result.task is not None:
            raise RuntimeError(f"{self.result.name!r} was read before its job ran")
        value = self.result.value
        return value if self.part is None else value.sliced(lab.layout.slice_of(self.part))


class Whole(NamedTuple):
    """The task on the whole model of whose results those of another are slices, and which."""

    task: Task
    part: Part | None


class Task:
    """An operation on values. It knows its results weakly: who wants one holds it, and none is computed for nobody.

    ``begun`` are the blocks of the model, a bit each, whose part of it the simulation has come to; the first of them in
    the ``window``-th window of jobs.
    """

    __slots__ = ("__weakref__", "_results", "begun", "inputs", "key", "operation", "values", "whole", "window")

    def __init__(self, operation: Operation, inputs: tuple[Value, ...], key: str) -> None:
        self.operation = operation
        self.inputs = inputs
        self.key = key
        self.whole: Whole | None = None
        self.begun = self.window = 0
        self.values: Mapping[str, Any] | None = None
        self._results: tuple[weakref.ref[Result], ...] = ()  # few: a dictionary is three times as large

    def result(self, name: str) -> Result:
        """The result called ``name``, the same object as long as anybody holds it."""
        held = self._held()
        for result in held:
            if result.name == name:
                return result
        result = Result(self, name)
        if self.values is not None:
            result.settle(self.values[name])
        self._results = tuple(weakref.ref(each) for each in [*held, result])
        return result

    def value(self, name: str) -> Value:
        """What a reference to ``name`` stands for: a slice of the whole model's result, where there is one."""
        if self.whole is not None and name in SHARED:
            return Value(self.whole.task.result(name), self.whole.part if name == "adapter" else None)
        return Value(self.result(name))

    def wanted(self) -> list[Result]:
        """The results that somebody holds and that are not there yet."""
        return [result for result in self._held() if result.task is not None]

    def _held(self) -> list[Result]:
        """The results that somebody holds."""
        return [result for reference in self._results if (result := reference()) is not None]

    def settle(self, values: Mapping[str, Any]) -> None:
        """Hand out the results of a run; what it worked on is no longer needed."""
        self.values = values
        for result in self.wanted():
            result.settle(values[result.name])
        if not self.operation.keeps_inputs:
            self.inputs = ()


SHARED = frozenset({"adapter", "loss", "score"})
"""Results that the whole model has, too; activations and their gradients belong to a cut."""

Intern = Callable[[Operation, Sequence[Value]], Task]
"""Makes a task, or finds the one with the same key."""


def key_of(operation: Operation, lab: Lab, values: Sequence[Value]) -> str:
    """Hash of what a task does and of all that it depends on."""
    read = [lab.fingerprint(name) for name in operation.reads]
    return digest(code_of(type(operation)), repr(operation), *read, *(value.key for value in values))


class Job:
    """One act of training in the simulation. ``job["name"]`` is a reference to a result, computed or not."""

    __slots__ = ("_refs", "cost", "inputs", "lineage", "outputs", "task")

    def __init__(
        self, *, inputs: tuple[Ref, ...], cost: Cost, outputs: Mapping[str, Output], lineage: str, task: Task | None
    ) -> None:
        self.inputs = inputs
        self.cost = cost
        self.outputs = outputs
        self.lineage = lineage
        self.task = task
        self._refs: dict[str, Ref] = {}

    def __getitem__(self, name: str) -> Ref:
        if name not in self._refs:
            value = None if self.task is None else self.task.value(name)
            self._refs[name] = Ref(name, self.outputs[name], self.lineage, value)
        return self._refs[name]


@dataclass(frozen=True, eq=False, slots=True)
class Ref:
    """A result of a job, passed on by reference. ``lineage`` names the adapter of which it is a successive state."""

    name: str
    output: Output
    lineage: str
    value: Value | None

    @property
    def nbytes(self) -> int:
        """Bytes on the wire."""
        return self.output.nbytes
