"""The acts of learning as a scheme names them; each submits a job and gives it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from training import joint_steps, operations, steps
from training.adapters import Part, Ranks, parts_between
from training.jobs import Job, Output, PayloadKind, Ref
from training.optimiser import AdapterState
from training.payloads import activation_output, adapter_output, labels_output
from training.steps import Batch, Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.prices import PhaseCost
    from training.runtime import Runtime

_LENGTHS = 8
"""Batches are padded to a multiple of so many tokens: costs are measured once a length."""


class Learning:
    """Speaks for the runtime in the words of the field."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    @property
    def whole(self) -> Part:
        """The unsplit model."""
        return self.runtime.lab.whole

    @property
    def classifies(self) -> bool:
        """Whether what is predicted are classes of rows, not next tokens."""
        return self.runtime.lab.layout.head is not None

    @property
    def blocks(self) -> int:
        """L, the blocks of the model: cut layers lie between 1 and L - 1."""
        return self.runtime.lab.foundation.blocks

    def parts(self, cuts: Sequence[int]) -> list[Part]:
        """The parts between cut layers."""
        return parts_between(cuts, self.blocks)

    def weight_bytes(self, part: Part) -> int:
        """Bytes of the frozen weights of ``part``."""
        return self.runtime.lab.costs.weight_bytes(part)

    def segment(self, part: Part) -> Ref:
        """The frozen weights of ``part`` as a message; nothing is computed for it."""
        return Ref("segment", Output(nbytes=self.weight_bytes(part), kind="model"), lineage="", value=None)

    def adapter_bytes(self, part: Part, ranks: Ranks | None = None) -> int:
        """How large an adapter of ``part`` is as a message."""
        return adapter_output(self.runtime.lab, part, ranks).nbytes

    def state_bytes(self, part: Part, ranks: Ranks | None = None) -> dict[str, int]:
        """What training an adapter of ``part`` keeps in memory, by kind."""
        return AdapterState.bytes_by_kind(adapter_output(self.runtime.lab, part, ranks).nbytes)

    def batch(self, rows: tuple[int, ...], draw: int = 0) -> Batch:
        """The mini-batch of these rows of the training sequences, padded no further than to its longest.

        ``draw`` seeds its dropout masks, if there is dropout.
        """
        longest = self.runtime.lab.train.tokens[list(rows)].max()
        return Batch(rows=rows, length=int(self._padded(longest)), draw=draw)

    def shapes(self, rows: NDArray[np.int64], size: int) -> tuple[Shape, ...]:
        """Those that mini-batches of so many of these rows may have, by which of them is the longest."""
        lengths = np.unique(self._padded(self.runtime.lab.train.tokens[rows])).tolist()
        return tuple((size, length) for length in lengths)

    def _padded(self, tokens: Any) -> Any:
        """To how many tokens rows of so many are padded."""
        return np.minimum(-(-tokens // _LENGTHS) * _LENGTHS, self.runtime.lab.train.ids.shape[1])

    def predictions(self, batch: Batch) -> int:
        """How many next tokens, or classes, are to be predicted in ``batch``."""
        return int(self.runtime.lab.train.predicted[list(batch.rows)].sum())

    def step_flops(self, part: Part, batch: Batch, ranks: Ranks | None = None) -> tuple[int, ...]:
        """FLOPs of each phase of a mini-batch in ``part``: forward and backward, or the last part's whole turn."""
        return tuple(phase.flops for phase in self.phase_costs(part, batch.shape, ranks))

    def phase_costs(self, part: Part, shape: Shape, ranks: Ranks | None = None) -> tuple[PhaseCost, ...]:
        """What each phase of a mini-batch takes in ``part``: forward and backward, or the last part's whole turn."""
        prices = self.runtime.lab.costs
        if part.last == self.blocks:
            return (prices.loss_and_backward(part, *shape, ranks),)
        return prices.forward_and_backward(part, *shape, ranks)

    def message_bytes(self, batch: Batch) -> dict[PayloadKind, int]:
        """How large what crosses a cut on its way up is for ``batch``."""
        return self.tensor_bytes(batch.shape)

    def tensor_bytes(self, shape: Shape) -> dict[PayloadKind, int]:
        """How large the tensors are that a part hands on to the next for a mini-batch of ``shape``."""
        lab = self.runtime.lab
        return {
            "activation": activation_output(lab, shape, "activation").nbytes,
            "label": labels_output(lab, shape).nbytes,
        }

    def all_of_rank(self, rank: int | None) -> Ranks | None:
        """No block wider than ``rank``; None where that is no restriction."""
        foundation = self.runtime.lab.foundation
        if rank is None or all(site.rank <= rank for site in foundation.layout.lora):
            return None
        return (rank,) * foundation.blocks

    def start(self, part: Part, lineage: str, ranks: Ranks | None = None) -> Ref:
        """The adapter of ``part`` before training, as the first state of ``lineage``."""
        return self.runtime.submit(operations.Start(part=part, ranks=ranks), lineage=lineage)["adapter"]

    def forward(self, part: Part, adapter: Ref, batch: Batch, arrived: Sequence[Ref] = ()) -> Job:
        """Forward of a part before the last; the first part reads ``batch``, a later one the arrived activation."""
        own = batch if part.first == 0 else None
        operation = steps.Forward(part=part, shape=batch.shape, batch=own, draw=batch.draw, ranks=adapter.output.ranks)
        return self.runtime.submit(operation, adapter, *arrived)

    def loss_and_backward(self, part: Part, adapter: Ref, batch: Batch, arrived: Sequence[Ref] = ()) -> Job:
        """Forward, loss, backward and step of the last part; ``arrived`` are activation and labels."""
        own = batch if part.first == 0 else None
        operation = steps.LossAndBackward(
            part=part, shape=batch.shape, batch=own, draw=batch.draw, ranks=adapter.output.ranks
        )
        return self.runtime.submit(operation, adapter, *arrived)

    def loss_and_gradient(self, part: Part, adapter: Ref, batch: Batch, arrived: Sequence[Ref]) -> Job:
        """Forward, loss and backward of the last part, which steps when others have come as far: ``mean_step``."""
        operation = joint_steps.LossAndGradient(
            part=part, shape=batch.shape, draw=batch.draw, ranks=adapter.output.ranks
        )
        return self.runtime.submit(operation, adapter, *arrived)

    def mean_step(self, adapter: Ref, gradients: Sequence[Ref], predictions: Sequence[int]) -> Job:
        """One step along the mean of ``gradients``, weighted by the numbers of predictions."""
        total = sum(predictions) or 1
        operation = joint_steps.MeanStep(weights=tuple(n / total for n in predictions))
        return self.runtime.submit(operation, adapter, *gradients)

    def backward(self, part: Part, adapter: Ref, batch: Batch, held: Ref, gradient: Ref) -> Job:
        """Backward and step of a part before the last."""
        operation = steps.Backward(part=part, shape=batch.shape, ranks=adapter.output.ranks)
        return self.runtime.submit(operation, adapter, held, gradient)

    def average(self, adapters: Sequence[Ref], samples: Sequence[int], lineage: str) -> Job:
        """FedAvg, weighted by numbers of samples; successive averages are one ``lineage``."""
        total = sum(samples)
        operation = operations.Average(weights=tuple(n / total for n in samples))
        return self.runtime.submit(operation, *adapters, lineage=lineage)

    def adopt(self, part: Part, own: Ref, received: Ref) -> Job:
        """Take over received weights, as far as the own ranks go; keep the own moments."""
        wider = own.output.ranks != received.output.ranks
        operation = operations.Adopt(part=part, ranks=own.output.ranks if wider else None)
        return self.runtime.submit(operation, own, received)

    def narrow(self, part: Part, adapter: Ref, ranks: Ranks | None) -> Ref:
        """What of ``adapter`` is sent to somebody with ``ranks``."""
        if ranks is None or ranks == adapter.output.ranks:
            return adapter
        return self.runtime.submit(operations.Narrow(part=part, ranks=ranks), adapter)["adapter"]

    def evaluate(self, adapters: Sequence[Ref]) -> Ref:
        """Metrics of the model whose parts have these adapters."""
        rows = len(self.runtime.lab.held_out)
        starts = range(0, rows, operations.ROWS_AT_ONCE)
        scores = [
            self.runtime.submit(
                operations.Evaluate(first=start, last=min(start + operations.ROWS_AT_ONCE, rows)), *adapters
            )["score"]
            for start in starts
        ]
        return self.runtime.submit(operations.Summarise(), *scores)["metrics"]

    def mean_loss(self, losses: Sequence[Ref]) -> Ref:
        """The mean of training losses; the same job in whatever order they come, which the network decides."""
        ordered = sorted(losses, key=lambda ref: "" if ref.value is None else ref.value.key)
        return self.runtime.submit(operations.MeanLoss(), *ordered)["loss"]

    def values(self, refs: Sequence[Ref], assume: Sequence[Any] | None = None) -> list[Any]:
        """The numbers that a scheme decides by; all at once, so that what they need is computed together.

        ``assume`` is what an analytic run takes them to be; without it such a run is refused.
        """
        return self.runtime.values(refs, assume)
