"""What cut layers that move ask of adapters: to be divided anew, and averages over those who trained a component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from training.adapters import Part, Ranks
from training.jobs import Cost, Intern, Operation, Output, Ref, Value, Whole
from training.optimiser import AdapterState
from training.payloads import SCALAR_BYTES, adapter_output
from training.whole import joined

if TYPE_CHECKING:
    from torch import Tensor

    from training.lab import Lab


@dataclass(frozen=True, kw_only=True)
class Recut(Operation):
    """The state of ``part``, with ``ranks``, out of the states of parts ``of`` that adjoin each other. Inputs: these.

    Optimiser moments go along with their weights. A component beyond ``ranks`` loses both: a moment that stayed would
    move a weight that has no gradient any more. The steps that AdamW corrects its bias by are those of the part that
    has taken most; they differ only where a deadline has cut a step in two.
    """

    part: Part
    of: tuple[Part, ...]
    ranks: Ranks | None = None

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The adapter state."""
        return {"adapter": adapter_output(lab, self.part, self.ranks)}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """Nothing is computed."""
        return Cost()

    def unsplit(self, lab: Lab, values: Sequence[Value], intern: Intern) -> Whole | None:
        """A slice of the whole model's state, if the parts are all of its slices."""
        if self.of == (lab.whole,) == (self.part,):
            return None
        whole = joined(lab, values)
        if whole is None:
            return None
        task = intern(replace(self, part=lab.whole, of=(lab.whole,)), [whole])
        return Whole(task, None if self.part == lab.whole else self.part)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Join, slice, and put zeros beyond the ranks."""
        import torch  # noqa: PLC0415 - what was learned before is known without it

        start = lab.layout.slice_of(self.of[0]).start
        where = lab.layout.slice_of(self.part)

        def cut(*chain: Tensor) -> Tensor:
            own = torch.cat(chain)[where.start - start : where.stop - start]
            return own if self.ranks is None else lab.layout.narrow(self.part, own, self.ranks)

        weights = cut(*(state.weights for state in values))
        moments = [cut(*(state.moments[moment] for state in values)) for moment in range(2)]
        step = max(state.step for state in values)
        return {"adapter": AdapterState.of(weights, torch.stack(moments), step)}


@dataclass(frozen=True, kw_only=True)
class AverageTrained(Operation):
    """The mean of whole adapters, component by component over those who have trained it, by their ``weights``.

    Inputs: the average before, then the adapters, of the given ``ranks``. A component of LoRA is a row of A with the
    column of B that belongs to it; what nobody has trained stays as it was.
    """

    kept: ClassVar[frozenset[str]] = frozenset({"adapter"})
    weights: tuple[float, ...]
    ranks: tuple[Ranks | None, ...]

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The mean adapter."""
        return {"adapter": inputs[0].output}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """A multiplication and an addition for each number received; the mean is kept."""
        flops = 2 * sum(ref.nbytes for ref in inputs[1:]) // SCALAR_BYTES
        return Cost(flops=flops, resident_bytes={"adapter": inputs[0].nbytes})

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Sum in the order of the inputs."""
        before, *states = values
        mean, total = (before.weights.new_zeros(before.weights.shape) for _ in range(2))
        everything = before.weights.new_ones(before.weights.shape)
        for state, weight, ranks in zip(states, self.weights, self.ranks, strict=True):
            trained = everything if ranks is None else lab.layout.narrow(lab.whole, everything, ranks)
            mean.addcmul_(state.weights, trained, value=weight)
            total.add_(trained, alpha=weight)
        return {"adapter": AdapterState.fresh((mean / total).where(total > 0, before.weights))}
