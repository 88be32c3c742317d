"""The operations on adapters beside the phases of a step: where they begin, their averages, their quality."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import TYPE_CHECKING, Any, ClassVar

from training.adapters import Part, Ranks
from training.jobs import Cost, Intern, Operation, Output, Ref, Value, Whole
from training.metrics import Metrics
from training.optimiser import AdapterState
from training.payloads import SCALAR_BYTES, adapter_output
from training.whole import element_wise, joined, over

if TYPE_CHECKING:
    from training.lab import Lab


ROWS_AT_ONCE = 16
"""Held-out rows of one evaluation job: about a thousand tokens, beyond which larger passes gain nothing on a CPU."""


@dataclass(frozen=True, kw_only=True)
class Start(Operation):
    """The adapter of ``part`` before training: the same numbers wherever the model is cut, and in whatever rank."""

    reads: ClassVar[tuple[str, ...]] = ("model", "seed")
    part: Part
    ranks: Ranks | None = None

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The adapter state."""
        return {"adapter": adapter_output(lab, self.part, self.ranks)}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """Nothing worth counting."""
        return Cost()

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The start of the whole model."""
        return None if self.part == lab.whole else Whole(intern(replace(self, part=lab.whole), []), self.part)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Draw it."""
        weights = lab.layout.initial(self.part, lab.seed)
        if self.ranks is not None:
            weights = lab.layout.narrow(self.part, weights, self.ranks)
        return {"adapter": AdapterState.fresh(weights.to(lab.device))}


@dataclass(frozen=True, kw_only=True)
class Average(Operation):
    """FedAvg (McMahan et al. 2017): the mean of adapters of one part, by ``weights`` that sum to one.

    Narrow adapters count as padded with zeros, so that the mean is as wide as the widest (Cho et al. 2024, "HetLoRA",
    arXiv 2401.06432, without its weights by sparsity).
    """

    kept: ClassVar[frozenset[str]] = frozenset({"adapter"})
    weights: tuple[float, ...]

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The mean adapter."""
        return {"adapter": _widest(inputs)}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """A multiplication and an addition for each number received; the mean is kept."""
        flops = 2 * sum(ref.output.restored.nbytes for ref in inputs) // SCALAR_BYTES
        return Cost(flops=flops, resident_bytes={"adapter": _widest(inputs).nbytes})

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The mean of the whole adapters."""
        return element_wise(self, values, intern)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Sum in the order of the inputs."""
        mean = values[0].weights.new_zeros(values[0].weights.shape)
        for state, weight in zip(values, self.weights, strict=True):
            mean.add_(state.weights, alpha=weight)
        return {"adapter": AdapterState.fresh(mean)}


@dataclass(frozen=True, kw_only=True)
class Adopt(Operation):
    """An entity takes over received weights and keeps its own optimiser moments. Inputs: own state, received state.

    Of a wider adapter it takes what it has ``ranks`` for.
    """

    part: Part
    ranks: Ranks | None = None

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The entity's adapter, with the received weights."""
        return {"adapter": inputs[0].output}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """A copy: nothing worth counting."""
        return Cost()

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The whole adapter takes over the whole."""
        return element_wise(over(lab.whole, self), values, intern)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Replace the weights."""
        own, received = values
        if self.ranks is None:
            return {"adapter": replace(own, adopted=received.weights)}
        return {"adapter": replace(own, adopted=lab.layout.narrow(self.part, received.weights, self.ranks))}


@dataclass(frozen=True, kw_only=True)
class Narrow(Operation):
    """Of an adapter of ``part``, what somebody with ``ranks`` needs to receive. Input: the adapter."""

    part: Part
    ranks: Ranks

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The narrow adapter."""
        return {"adapter": adapter_output(lab, self.part, self.ranks)}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """It is but read out."""
        return Cost()

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The whole adapter, narrowed."""
        return element_wise(over(lab.whole, self), values, intern)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Zeros beyond."""
        (state,) = values
        return {"adapter": AdapterState.fresh(lab.layout.narrow(self.part, state.weights, self.ranks))}


class Observation(Operation):
    """What the observer asks for: it costs the simulated network nothing."""

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """Free."""
        return Cost()


@dataclass(frozen=True, kw_only=True)
class Evaluate(Observation):
    """Loss and hits on the held-out rows ``first .. last-1``. Inputs: the adapters of all parts, in their order."""

    reads: ClassVar[tuple[str, ...]] = ("model", "held_out")
    first: int
    last: int

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The score."""
        return {"score": Output()}

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The evaluation of the one adapter of which all parts are slices."""
        whole = joined(lab, values) if len(values) > 1 else None
        return None if whole is None else Whole(intern(self, [whole]), None)

    def wave(self, lab: Lab) -> Hashable:
        """Evaluations run side by side."""
        return type(self).__name__

    def tokens(self) -> int:
        """So many that every one has a pass of its own: rows of one adapter fill it."""
        return sys.maxsize

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Evaluate the joined adapter."""
        import torch  # noqa: PLC0415 - what was evaluated before is known without it

        from training.evaluation import score  # noqa: PLC0415

        adapter = torch.cat([state.weights for state in values])
        return {"score": score(lab.model, adapter, lab.held_out_rows, range(self.first, self.last))}


@dataclass(frozen=True, kw_only=True)
class Summarise(Observation):
    """Metrics over all held-out rows. Inputs: scores."""

    kept: ClassVar[frozenset[str]] = frozenset({"metrics"})

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The metrics."""
        return {"metrics": Output()}

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Means over all predictions."""
        return {"metrics": Metrics.of(values)}


@dataclass(frozen=True, kw_only=True)
class MeanLoss(Observation):
    """The mean of training losses."""

    kept: ClassVar[frozenset[str]] = frozenset({"loss"})

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """One number."""
        return {"loss": Output()}

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Sum exactly: the order of the inputs changes no bit."""
        return {"loss": fsum(values) / len(values)}


def _widest(adapters: Sequence[Ref]) -> Output:
    return max((ref.output.restored for ref in adapters), key=lambda output: output.nbytes)
