"""Compression as operations: what is sent is small, and what arrives is what the receiver can restore of it.

As soon as one stands between two parts of a model, a step is no longer one pass over the whole: see ``whole``.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

from training.compression.base import Compressor, Shared
from training.compression.feedback import ErrorFeedback
from training.compression.form import Form, Piece, adapter_form
from training.jobs import Cost, Operation, Output, PayloadKind, Ref
from training.keys import code_of
from training.optimiser import AdapterState
from training.payloads import activation_output, adapter_output

if TYPE_CHECKING:
    from torch import Tensor

    from training.adapters import Part, Ranks
    from training.lab import Lab

RESIDUAL = "residual"
"""The result that error feedback adds to the sender's next vector."""

_PASS_BYTES = 32
"""A number while the largest are chosen: itself, its magnitude, three flags, a running count, an index, and copies."""


@dataclass(frozen=True, kw_only=True)
class Compressing(Operation):
    """What has a ``compressor``; its ``code`` is part of the key, since it may be a user's own."""

    compressor: Compressor
    code: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", code_of(type(self.compressor)))

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """FLOPs are not counted, being few beside those of training."""
        return Cost()


@dataclass(frozen=True, kw_only=True)
class CompressActivation(Compressing):
    """Smashed data of a mini-batch of ``shape`` (batch, seq), or its gradient: a matrix with a row a token."""

    shape: tuple[int, int]
    kind: PayloadKind
    draw: int = 0

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The same, as the receiver has it."""
        whole = activation_output(lab, self.shape, self.kind)
        nbytes = self.compressor.nbytes(activation_form(lab, self.shape))
        return {self.kind: Output(nbytes=nbytes, kind=self.kind, whole_bytes=whole.nbytes)}

    def wave(self, lab: Lab) -> Hashable:
        """Those of one shape."""
        return (type(self).__name__, self.compressor, self.shape, self.kind)

    def tokens(self) -> int:
        """Of the mini-batch."""
        return self.shape[0] * self.shape[1]

    def pass_bytes(self, lab: Lab) -> int:
        """What selecting takes."""
        return _PASS_BYTES * activation_form(lab, self.shape).numbers

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """One alone."""
        (results,) = self.run_together(lab, [self], [values])
        return cast("Mapping[str, Any]", results)

    @classmethod
    def run_together(cls, lab: Lab, group: Sequence[Operation], values: Sequence[Sequence[Any]]) -> list[Any]:
        """All of ``group`` side by side, each by itself."""
        import torch  # noqa: PLC0415 - sizes are known without it

        operations = cast("Sequence[CompressActivation]", group)
        first = operations[0]
        form = activation_form(lab, first.shape)
        vectors = torch.stack([given[0].flatten() for given in values])
        shared = Shared(draws=tuple(operation.draw for operation in operations))
        passed = first.compressor.passed(vectors, form, shared)
        return [{first.kind: own.view(given[0].shape)} for own, given in zip(passed, values, strict=True)]


@dataclass(frozen=True, kw_only=True)
class CompressAdapter(Compressing):
    """An adapter of ``part`` with ``ranks`` on its way.

    Inputs: the adapter; where it ``differs``, what both sides have of it, and the difference is sent, else the weights;
    where there is a ``residual``, what error feedback has left; where there is a ``reference``, weights that both have.
    """

    kept: ClassVar[frozenset[str]] = frozenset({"adapter", RESIDUAL})
    part: Part
    ranks: Ranks | None = None
    differs: bool = False
    feedback: bool = False
    residual: bool = False
    reference: bool = False
    draw: int = 0

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The adapter as the receiver has it, and with feedback what is left."""
        whole = adapter_output(lab, self.part, self.ranks)
        sent = Output(
            nbytes=self.compressor.nbytes(adapter_form(lab.layout, self.part, self.ranks)),
            kind="adapter",
            ranks=self.ranks,
            whole_bytes=whole.nbytes,
        )
        return {"adapter": sent, RESIDUAL: Output()} if self.feedback else {"adapter": sent}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """What is remembered for the next time: what both sides have, and what is left."""
        nbytes = adapter_output(lab, self.part, self.ranks).nbytes
        kinds = {"adapter": self.differs, "optimiser": self.feedback}
        return Cost(resident_bytes={kind: nbytes for kind, kept in kinds.items() if kept})

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Compress what lies within the ranks; beyond there are zeros."""
        given = iter(values)
        adapter = cast("AdapterState", next(given)).weights
        within = self._within(lab, adapter)
        base, residual, reference = (
            cast("AdapterState", next(given)).weights[within][None] if there else None
            for there in (self.differs, self.residual, self.reference)
        )
        own = adapter[within][None]
        sent = ErrorFeedback(inner=self.compressor).send(
            own if base is None else own - base,
            residual,
            adapter_form(lab.layout, self.part, self.ranks),
            Shared(draws=(self.draw,), reference=reference),
        )

        def state(numbers: Tensor) -> AdapterState:
            whole = adapter.new_zeros(adapter.shape)
            whole[within] = numbers[0]
            return AdapterState.fresh(whole)

        results = {"adapter": state(sent.restored if base is None else base + sent.restored)}
        return results | {RESIDUAL: state(sent.residual)} if self.feedback else results

    def _within(self, lab: Lab, adapter: Tensor) -> Tensor:
        """Where the ranks reach, (parameters,) of true and false."""
        ones = adapter.new_ones(adapter.shape)
        return (ones if self.ranks is None else lab.layout.narrow(self.part, ones, self.ranks)).bool()


def activation_form(lab: Lab, shape: tuple[int, int]) -> Form:
    """An activation of a batch of ``shape``: a row a token."""
    batch, length, hidden = lab.costs.activation_shape(*shape)
    return Form((Piece(batch * length, hidden),))
