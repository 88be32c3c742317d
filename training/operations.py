"""The operations on adapters beside the phases of a step: where they begin, their averages, their quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from training.adapters import Part
from training.jobs import Cost, Intern, Operation, Output, Ref, Value, Whole
from training.optimiser import AdapterState
from training.payloads import SCALAR_BYTES, adapter_output
from training.whole import element_wise, joined

if TYPE_CHECKING:
    from training.lab import Lab


@dataclass(frozen=True, kw_only=True)
class Start(Operation):
    """The adapter of ``part`` before training: the same numbers wherever the model is cut."""

    reads: ClassVar[tuple[str, ...]] = ("model", "seed")
    part: Part

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The adapter state."""
        return {"adapter": adapter_output(lab, self.part)}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """Nothing worth counting."""
        return Cost()

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The start of the whole model."""
        return None if self.part == lab.whole else Whole(intern(Start(part=lab.whole), []), self.part)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Draw it."""
        return {"adapter": AdapterState.fresh(lab.layout.initial(self.part, lab.seed).to(lab.device))}


@dataclass(frozen=True, kw_only=True)
class Average(Operation):
    """FedAvg (McMahan et al. 2017): the mean of adapters of one part, by ``weights`` that sum to one."""

    kept: ClassVar[frozenset[str]] = frozenset({"adapter"})
    weights: tuple[float, ...]

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The mean adapter."""
        return {"adapter": inputs[0].output}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """A multiplication and an addition for each number received; the mean is kept."""
        flops = 2 * sum(ref.nbytes for ref in inputs) // SCALAR_BYTES
        return Cost(flops=flops, resident_bytes={"adapter": inputs[0].nbytes})

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
    """An entity takes over received weights and keeps its own optimiser moments. Inputs: own state, received state."""

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The entity's adapter, with the received weights."""
        return {"adapter": inputs[0].output}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """A copy: nothing worth counting."""
        return Cost()

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The whole adapter takes over the whole."""
        return element_wise(self, values, intern)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Replace the weights."""
        own, received = values
        return {"adapter": replace(own, weights=received.weights)}


class Observation(Operation):
    """What the observer asks for: it costs the simulated network nothing."""

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """Free."""
        return Cost()


@dataclass(frozen=True, kw_only=True)
class Evaluate(Observation):
    """Loss and next-token accuracy on held-out text. Inputs: the adapters of all parts, in their order."""

    reads: ClassVar[tuple[str, ...]] = ("model", "held_out")
    kept: ClassVar[frozenset[str]] = frozenset({"metrics"})

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The metrics."""
        return {"metrics": Output()}

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """The evaluation of the one adapter of which all parts are slices."""
        whole = joined(lab, values) if len(values) > 1 else None
        return None if whole is None else Whole(intern(Evaluate(), [whole]), None)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Evaluate the joined adapter."""
        import torch  # noqa: PLC0415 - what was evaluated before is known without it

        from training.evaluation import evaluate  # noqa: PLC0415

        adapter = torch.cat([state.weights for state in values])
        return {"metrics": evaluate(lab.model, adapter, lab.held_out)}


@dataclass(frozen=True, kw_only=True)
class MeanLoss(Observation):
    """The mean of training losses."""

    kept: ClassVar[frozenset[str]] = frozenset({"loss"})

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """One number."""
        return {"loss": Output()}

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Sum in the order of the inputs."""
        return {"loss": sum(values) / len(values)}
