"""Jobs: real training work as pure operations on references, whose costs and sizes are known before they run.

The simulation submits jobs in causal order and passes references on; a ``Runtime`` decides when tensors are computed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from training.lab import Lab

PayloadKind = Literal["activation", "gradient", "adapter", "label", "model"]
"""What a message carries; results that are never sent have no kind."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """One result of an operation: its bytes on the wire, and as what it would be sent."""

    nbytes: int = 0
    kind: PayloadKind | None = None


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

    @abstractmethod
    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """Names and sizes of the results; needs no tensor."""

    @abstractmethod
    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """What running it takes; needs no tensor."""

    @abstractmethod
    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """The results on real tensors."""


@dataclass(eq=False)
class Job:
    """One operation on given inputs. ``job["name"]`` is a reference to a result, whether or not it is computed yet.

    References are made when asked for: a job that kept its own would be a cycle, and its tensors would outlive their
    use until the garbage collector comes round.
    """

    operation: Operation
    inputs: tuple[Ref, ...]
    cost: Cost
    outputs: Mapping[str, Output]
    lineage: str
    values: Mapping[str, Any] | None = None

    def __getitem__(self, name: str) -> Ref:
        return Ref(self, name, self.outputs[name], self.lineage)


@dataclass(frozen=True)
class Ref:
    """A result of a job, passed on by reference. ``lineage`` names the adapter of which it is a successive state."""

    job: Job
    name: str
    output: Output
    lineage: str

    @property
    def nbytes(self) -> int:
        """Bytes on the wire."""
        return self.output.nbytes


class Unavailable(RuntimeError):  # noqa: N818 - an answer, not a fault: analytic runs compute no values
    """A value was asked for that this way of execution never computes."""


class Runtime(ABC):
    """Takes jobs, and answers for their values. The clock tells it when a job's event has come."""

    computes_values = True

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.jobs_run = 0

    def submit(self, operation: Operation, *inputs: Ref, lineage: str = "") -> Job:
        """A job whose cost and result sizes are known at once; its results continue the lineage of its first input."""
        family = lineage or (inputs[0].lineage if inputs else "")
        outputs = operation.outputs(self.lab, inputs)
        return Job(operation, inputs, operation.cost(self.lab, inputs), outputs, family)

    @abstractmethod
    def reached(self, job: Job) -> None:
        """The simulated event at which ``job`` is complete."""

    def alone(self, ref: Ref) -> Ref:
        """A reference to the same value that keeps no other result of its job alive."""
        if ref.job.values is None:
            return ref
        job = ref.job
        outputs, values = {ref.name: ref.output}, {ref.name: ref.job.values[ref.name]}
        return Job(job.operation, (), job.cost, outputs, job.lineage, values)[ref.name]

    @abstractmethod
    def values(self, refs: Sequence[Ref]) -> list[Any]:
        """The values of all ``refs``, asked for together so that they can be computed together."""


class EagerRuntime(Runtime):
    """Runs every job at its event: the reference that other ways of execution are compared with."""

    def reached(self, job: Job) -> None:
        """Run the job, and before it any input that took no simulated time."""
        pending = [job]
        while pending:
            current = pending[-1]
            missing = [ref.job for ref in current.inputs if ref.job.values is None]
            if missing and current.values is None:
                pending.extend(missing)
                continue
            pending.pop()
            if current.values is None:
                self._run(current)

    def values(self, refs: Sequence[Ref]) -> list[Any]:
        """The values, computed now where their events took no simulated time."""
        for ref in refs:
            self.reached(ref.job)
        return [_value(ref) for ref in refs]

    def _run(self, job: Job) -> None:
        job.values = job.operation.run(self.lab, [_value(ref) for ref in job.inputs])
        job.inputs = ()  # what was computed no longer needs its past, which would else be kept alive as a chain
        self.jobs_run += 1


class AnalyticRuntime(Runtime):
    """Runs nothing: delay, traffic, memory and energy only."""

    computes_values = False

    def reached(self, job: Job) -> None:
        """Nothing happens, but the past is let go."""
        job.inputs = ()

    def values(self, refs: Sequence[Ref]) -> list[Any]:
        """Refused: no number is invented.

        Raises:
            Unavailable: always, unless nothing was asked for.
        """
        if refs:
            raise Unavailable(f"an analytic run computes no values, but {refs[0].name!r} was asked for")
        return []


RUNTIMES: dict[str, type[Runtime]] = {"eager": EagerRuntime, "analytic": AnalyticRuntime}
"""Ways of execution by name."""


def _value(ref: Ref) -> Any:
    values = ref.job.values
    if values is None:
        raise RuntimeError(f"{ref.name!r} was read before its job ran")
    return values[ref.name]
