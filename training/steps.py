"""The phases of a training step as operations: what they cost, what they give, and which whole step they are part of.

The tensors are the affair of ``passes``, which is imported when one runs.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from training.adapters import Part, Ranks
from training.jobs import HELD, Cost, Intern, Operation, Output, Ref, Task, Value, Whole
from training.payloads import activation_output, labels_output, state_bytes
from training.whole import joined

if TYPE_CHECKING:
    from training.lab import Lab

_PASSES_SORTED = 4  # the more rows, the more alike are those of a pass; the fewer, the more threads have work


Shape = tuple[int, int]
"""Of a mini-batch: rows, and the tokens that they are padded to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A mini-batch by reference: rows of the training sequences, padded to ``length`` tokens.

    ``draw`` seeds the dropout masks of its step, if there is dropout.
    """

    rows: tuple[int, ...]
    length: int
    draw: int = 0

    @property
    def shape(self) -> Shape:
        """(batch, seq)."""
        return (len(self.rows), self.length)


@dataclass(frozen=True, kw_only=True)
class Phase(Operation):
    """One part's work on a mini-batch of ``shape`` (batch, seq); the first part has the ``batch`` itself.

    ``draw`` is the batch's: every part of a forward drops what the whole model would. ``ranks`` are the adapter's.
    """

    part: Part
    shape: Shape
    batch: Batch | None = None
    draw: int = 0
    ranks: Ranks | None = None

    def wave(self, lab: Lab) -> Hashable:
        """Clients at the same part with batches of one shape."""
        return (type(self).__name__, self.part, self.shape, self.batch is None)

    def tokens(self) -> int:
        """Of the mini-batch."""
        return self.shape[0] * self.shape[1]

    def saved_bytes(self, lab: Lab) -> int:
        """What a part before the last keeps of its forward."""
        return lab.costs.forward_and_backward(self.part, *self.shape, self.ranks)[0].saved_bytes

    def pass_bytes(self, lab: Lab) -> int:
        """Activations: the same for the forward and for the backward, which may have to redo it."""
        return sum(
            cost.saved_bytes + cost.transient_bytes
            for cost in lab.costs.forward_and_backward(self.part, *self.shape, self.ranks)
        )

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """A pass with one client."""
        (results,) = self.run_together(lab, [self], [values])
        return cast("Mapping[str, Any]", results)


@dataclass(frozen=True, kw_only=True)
class Forward(Phase):
    """Forward of a part before the last. Inputs: adapter, and the received activation unless the part is the first.

    The first part reads its batch, and also gives the labels that the far side needs for the loss.
    """

    reads: ClassVar[tuple[str, ...]] = ("model", "train")
    keeps_inputs: ClassVar[bool] = True  # the backward asks by which adapter its forward went

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The activation to send, what is held for the backward, and the labels."""
        results = {"activation": activation_output(lab, self.shape, "activation"), HELD: Output()}
        if self.batch is not None:
            results["labels"] = labels_output(lab, self.shape)
        return results

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """The forward half of the measured step."""
        phase, _ = lab.costs.forward_and_backward(self.part, *self.shape, self.ranks)
        return Cost(flops=phase.flops, saved_bytes=phase.saved_bytes, transient_bytes=phase.transient_bytes, keeps=True)

    def place(self, task: Task) -> str:
        """That of what it holds, so that the backwards of one pass come together again."""
        return task.result(HELD).key

    @classmethod
    def run_together(cls, lab: Lab, group: Sequence[Operation], values: Sequence[Sequence[Any]]) -> list[Any]:
        """One pass over all clients of ``group``."""
        from training import passes  # noqa: PLC0415

        return passes.forward(lab, cast("Sequence[Forward]", group), values)


@dataclass(frozen=True, kw_only=True)
class LossAndBackward(Phase):
    """The last part's turn: forward, loss, backward and optimiser step. Inputs: adapter, received activation, labels.

    Where the part is the whole model it reads its batch instead.
    """

    reads: ClassVar[tuple[str, ...]] = ("model", "train", "optimiser")
    kept: ClassVar[frozenset[str]] = frozenset({"adapter"})

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The loss, the adapter after its step, and the gradient to send back."""
        results = {"loss": Output(), "adapter": inputs[0].output}
        if self.batch is None:
            results["gradient"] = activation_output(lab, self.shape, "gradient")
        return results

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """Forward, head, loss and backward in one."""
        phase = lab.costs.loss_and_backward(self.part, *self.shape, self.ranks)
        return Cost(
            flops=phase.flops,
            saved_bytes=phase.saved_bytes,
            transient_bytes=phase.transient_bytes,
            resident_bytes=state_bytes(inputs[0], lab.optimiser),
        )

    def wave(self, lab: Lab) -> Hashable:
        """Whole steps of any shape, if masks do not hang on the shape."""
        if self.part == lab.whole and not lab.layout.dropout:
            return (type(self).__name__, self.part)
        return super().wave(lab)

    def pass_bytes(self, lab: Lab) -> int:
        """Activations and logits."""
        phase = lab.costs.loss_and_backward(self.part, *self.shape, self.ranks)
        return phase.saved_bytes + phase.transient_bytes

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The step of the whole model, if the chain of forwards before this one started from slices of one adapter."""
        if self.batch is not None:
            return None
        adapters, arriving = [values[0]], values[1]
        while (task := arriving.result.task) is not None and isinstance(task.operation, Forward):
            if task.operation.draw != self.draw:
                return None
            adapters.insert(0, task.inputs[0])
            if task.operation.batch is not None:
                break
            arriving = task.inputs[1]
        else:
            return None
        whole = joined(lab, adapters)
        if whole is None or values[2].result.key != task.result("labels").key:
            return None
        step = replace(self, part=lab.whole, batch=task.operation.batch)
        return Whole(intern(step, [whole]), self.part)

    @classmethod
    def passes(cls, group: Sequence[Operation]) -> int:
        """Several, where rows of many clients are sorted by length."""
        return _PASSES_SORTED if len({cast("Phase", operation).shape for operation in group}) > 1 else 1

    def place(self, task: Task) -> str:
        """Those of one length together."""
        return f"{self.shape[1]:09d} {task.key}"

    @classmethod
    def run_together(cls, lab: Lab, group: Sequence[Operation], values: Sequence[Sequence[Any]]) -> list[Any]:
        """One pass over all clients of ``group``, each with a mean loss and a step of its own."""
        from training import passes  # noqa: PLC0415

        return passes.loss_and_backward(lab, cast("Sequence[LossAndBackward]", group), values)


@dataclass(frozen=True, kw_only=True)
class Backward(Phase):
    """Backward and optimiser step of a part before the last. Inputs: adapter, what its forward held, the gradient."""

    reads: ClassVar[tuple[str, ...]] = ("model", "optimiser")
    kept: ClassVar[frozenset[str]] = frozenset({"adapter"})
    urgency: ClassVar[int] = 2  # nobody else's step waits for it: gathered, backwards share a pass

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The adapter after its step, and the gradient to send on towards the user."""
        results = {"adapter": inputs[0].output}
        if self.part.first > 0:
            results["gradient"] = activation_output(lab, self.shape, "gradient")
        return results

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """The backward half of the measured step."""
        _, phase = lab.costs.forward_and_backward(self.part, *self.shape, self.ranks)
        return Cost(
            flops=phase.flops,
            transient_bytes=phase.transient_bytes,
            resident_bytes=state_bytes(inputs[0], lab.optimiser),
        )

    def place(self, task: Task) -> str:
        """That of its forward."""
        return task.inputs[1].result.key

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The whole step in which its gradient arises, if its forward was a link of that very chain."""
        adapter, held, gradient = values
        forward, later = held.result.task, gradient.result.task
        if forward is None or later is None or later.whole is None or forward.inputs[0].key != adapter.key:
            return None
        reader = later.inputs[1].result.task if isinstance(later.operation, Backward) else later
        if reader is None or reader.inputs[1].result.key != forward.result("activation").key:
            return None
        return Whole(later.whole.task, self.part)

    @classmethod
    def run_together(cls, lab: Lab, group: Sequence[Operation], values: Sequence[Sequence[Any]]) -> list[Any]:
        """One pass over all clients of ``group``: through their graph, or through one that is made anew."""
        from training import passes  # noqa: PLC0415

        return passes.backward(lab, cast("Sequence[Backward]", group), values)
