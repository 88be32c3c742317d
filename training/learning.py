"""The acts of learning as a scheme names them; each submits a job and gives it back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from training import compressing, joint_steps, masking, moving_cuts, operations, steps
from training.adapters import Part, Ranks, parts_between
from training.compression.exact import Exact
from training.compression.form import adapter_form
from training.jobs import Job, Output, PayloadKind, Ref
from training.optimiser import AdapterState
from training.payloads import labels_output
from training.steps import Batch, Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.compression.base import Compressor
    from training.optimiser import Optimiser
    from training.prices import PhaseCost
    from training.runtime import Runtime

EXACT = Exact()

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

    def moments(self, part: Part, ranks: Ranks | None) -> Ref:
        """What an optimiser remembers of an adapter of ``part``, as a message."""
        nbytes = self.state_bytes(part, ranks)["optimiser"]
        return Ref("moments", Output(nbytes=nbytes, kind="adapter"), lineage="", value=None)

    def adapter_bytes(self, part: Part, ranks: Ranks | None = None, compressor: Compressor = EXACT) -> int:
        """How large an adapter of ``part`` is as a message."""
        return compressor.nbytes(adapter_form(self.runtime.lab.layout, part, ranks))

    def state_bytes(self, part: Part, ranks: Ranks | None = None) -> Mapping[str, int]:
        """What training an adapter of ``part`` keeps in memory, by kind."""
        return AdapterState.bytes_by_kind(self.adapter_bytes(part, ranks), self.runtime.lab.optimiser.moments)

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

    def message_bytes(self, shape: Shape, compressor: Compressor = EXACT) -> dict[PayloadKind, int]:
        """How large what crosses a cut on its way up is for a mini-batch of ``shape``."""
        lab = self.runtime.lab
        return {
            "activation": compressor.nbytes(compressing.activation_form(lab, shape)),
            "label": labels_output(lab, shape).nbytes,
        }

    def at_most(self, rank: int | None, at_cut: int | None = None, blocks: Sequence[int] = ()) -> Ranks | None:
        """No block wider than ``rank``, nor any of ``blocks`` wider than ``at_cut``; None where nothing is narrower."""
        lora = self.runtime.lab.foundation.layout.lora
        widest = max((site.rank for site in lora), default=0)
        most = tuple(
            min(rank or widest, at_cut or widest) if block in blocks else rank or widest for block in range(self.blocks)
        )
        return None if all(site.rank <= most[site.block] for site in lora) else most

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

    def mixture(self, adapters: Sequence[Ref], weights: Sequence[float], lineage: str) -> Job:
        """The sum of adapters by ``weights``, which are together one but may be negative; it goes on as ``lineage``."""
        return self.runtime.submit(operations.Average(weights=tuple(weights)), *adapters, lineage=lineage)

    def compress_activation(
        self, kind: PayloadKind, compressor: Compressor, batch: Batch, ref: Ref, draw: int = 0
    ) -> Job:
        """Smashed data of ``batch``, or its gradient, as it is sent and arrives; ``draw`` seeds a compressor's lots."""
        operation = compressing.CompressActivation(compressor=compressor, shape=batch.shape, kind=kind, draw=draw)
        return self.runtime.submit(operation, ref)

    def compress_adapter(
        self,
        part: Part,
        compressor: Compressor,
        adapter: Ref,
        lineage: str,
        *,
        base: Ref | None = None,
        residual: Ref | None = None,
        reference: Ref | None = None,
        feedback: bool = False,
        draw: int = 0,
    ) -> Job:
        """An adapter as it is sent and arrives: what it differs by from ``base``, which both sides have, or itself.

        ``residual`` is what ``feedback`` left of the last one; what is remembered for the next goes by ``lineage``.
        """
        operation = compressing.CompressAdapter(
            compressor=compressor,
            part=part,
            ranks=adapter.output.ranks,
            differs=base is not None,
            feedback=feedback,
            residual=residual is not None,
            reference=reference is not None,
            draw=draw,
        )
        inputs = [ref for ref in (adapter, base, residual, reference) if ref is not None]
        return self.runtime.submit(operation, *inputs, lineage=lineage)

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

    def recut(self, part: Part, chain: Sequence[tuple[Part, Ref]], ranks: Ranks | None, lineage: str) -> Ref:
        """The state of ``part`` with ``ranks``, out of the states of adjoining parts; it goes on as ``lineage``."""
        operation = moving_cuts.Recut(part=part, of=tuple(each for each, _ in chain), ranks=ranks)
        return self.runtime.submit(operation, *(adapter for _, adapter in chain), lineage=lineage)["adapter"]

    def average_trained(self, before: Ref, adapters: Sequence[Ref], samples: Sequence[int]) -> Job:
        """FedAvg of whole adapters, of each component over those who trained it; it follows the average ``before``."""
        ranks = tuple(adapter.output.ranks for adapter in adapters)
        if set(ranks) == {None}:
            return self.average(adapters, samples, before.lineage)
        total = sum(samples)
        operation = moving_cuts.AverageTrained(weights=tuple(n / total for n in samples), ranks=ranks)
        return self.runtime.submit(operation, before, *adapters)

    def adapter_numbers(self, part: Part, ranks: Ranks | None = None) -> int:
        """How many numbers an adapter of ``part`` has."""
        return self.runtime.lab.layout.narrowed(ranks).parameters(part)

    def numbers_beside_a(self, part: Part, ranks: Ranks | None = None) -> int:
        """How many of them are not in the A of a site: all B, and a classifier's head."""
        sites = self.runtime.lab.layout.narrowed(ranks).sites_of(part)
        return sum(site.parameters - math.prod(site.tensors.get("lora_A.weight", (0,))) for site in sites)

    def mask_largest(self, part: Part, adapter: Ref, count: int, within: Ref | None = None) -> Ref:
        """Where the ``count`` largest magnitudes of ``adapter`` are, of those that an earlier mask lets through."""
        operation = masking.MaskLargest(part=part, count=count, ranks=adapter.output.ranks)
        return self.runtime.submit(operation, adapter, *([] if within is None else [within]))["mask"]

    def mask_b(self, part: Part, adapter: Ref) -> Ref:
        """Everything but the A of each site."""
        return self.runtime.submit(masking.MaskB(part=part), adapter)["mask"]

    def masked(self, adapter: Ref, mask: Ref, count: int) -> Ref:
        """The ``count`` numbers of ``adapter`` that ``mask`` lets through, as a message of values alone."""
        return self.runtime.submit(masking.Masked(count=count), adapter, mask)["adapter"]

    def message(self, content: Ref, nbytes: int, kind: PayloadKind = "adapter") -> Ref:
        """``content`` as a message of so many bytes, since sender and receiver know the rest of it."""
        whole = content.output.restored
        output = Output(nbytes=nbytes, kind=kind, ranks=whole.ranks, whole_bytes=whole.nbytes)
        return Ref(content.name, output, content.lineage, content.value)

    def begin(self, part: Part, own: Ref, received: Sequence[Ref], *, held_to_mask: bool = False) -> Job:
        """Begin a round from what was ``received``, an adapter and perhaps its mask, with fresh moments."""
        operation = masking.Begin(part=part, ranks=own.output.ranks, held_to_mask=held_to_mask)
        return self.runtime.submit(operation, *received, lineage=own.lineage)

    def delta(self, began: Ref, now: Ref) -> Job:
        """From where somebody has come, less where it is."""
        return self.runtime.submit(masking.Delta(), began, now)

    def server_step(self, adapter: Ref, optimiser: Optimiser, deltas: Sequence[Ref], beside: Sequence[Ref] = ()) -> Job:
        """A server's step along the plain mean of ``deltas``; ``beside`` are what else came with them."""
        operation = masking.ServerStep(optimiser=optimiser, clients=len(deltas))
        return self.runtime.submit(operation, adapter, *deltas, *beside)

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
