"""Rounds in which part of an adapter travels, as operations: what is sent, from what a client starts, what comes back.

A mask (parameters,) is true where a number of an adapter is sent; the whole vector is masked by one threshold, over all
layers and a classifier's head. That an adapter of ``count`` numbers is a smaller message is said by its output; where
the numbers are is another payload, if the receiver does not know it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from training.adapters import Part, Ranks
from training.compression.sparse import largest
from training.jobs import Cost, Operation, Output, Ref
from training.optimiser import AdapterState, Optimiser, Stack
from training.payloads import SCALAR_BYTES, adapter_output, state_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from training.lab import Lab


class Choice(Operation):
    """Says which numbers of an adapter travel."""

    kept: ClassVar[frozenset[str]] = frozenset({"mask"})

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The mask."""
        return {"mask": Output()}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """Comparisons: nothing worth counting."""
        return Cost()


@dataclass(frozen=True, kw_only=True)
class MaskLargest(Choice):
    """The ``count`` numbers of greatest magnitude; of equal ones the first. Input: an adapter of ``part``.

    Another input is an earlier mask, within which they are. What is beyond ``ranks`` is not among them.
    """

    part: Part
    count: int
    ranks: Ranks | None = None

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """One threshold over all that may be chosen."""
        state, *within = values
        weights: Tensor = state.weights
        allowed = weights.new_ones(weights.shape)
        if self.ranks is not None:
            allowed = lab.layout.narrow(self.part, allowed, self.ranks)
        for mask in within:
            allowed = allowed * mask
        places = allowed.nonzero()[:, 0]
        chosen = places[largest(weights[places][None], self.count)[0]]
        mask = weights.new_zeros(weights.shape).bool()
        mask[chosen] = True
        return {"mask": mask}


@dataclass(frozen=True, kw_only=True)
class MaskB(Choice):
    """All but the A of each LoRA site. Input: an adapter of ``part``; of its values nothing is read."""

    part: Part

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """By the layout alone."""
        mask = values[0].weights.new_ones(values[0].weights.shape).bool()
        sites = [site for site in lab.layout.sites_of(self.part) if site in lab.layout.lora]
        for a in lab.layout.matrices(self.part, mask[None])[: 2 * len(sites) : 2]:
            a[:] = False
        return {"mask": mask}


@dataclass(frozen=True, kw_only=True)
class Masked(Operation):
    """The ``count`` numbers of an adapter that a mask lets through, the others zero. Inputs: adapter, mask."""

    kept: ClassVar[frozenset[str]] = frozenset({"adapter"})
    count: int

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The adapter as a message of its values."""
        whole = inputs[0].output
        return {"adapter": replace(whole, nbytes=SCALAR_BYTES * self.count, whole_bytes=whole.nbytes)}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """They are but read out."""
        return Cost()

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Zeros elsewhere."""
        state, mask = values
        return {"adapter": AdapterState.fresh(state.weights.where(mask, 0.0))}


@dataclass(frozen=True, kw_only=True)
class Begin(Operation):
    """A client begins a round from what it has received, with fresh moments. Inputs: adapter, and a mask if it has one.

    If it is ``held_to_mask``, nothing but what the mask lets through is trained. The client keeps what it began from
    until the end of the round, when it sends the difference.
    """

    part: Part
    ranks: Ranks | None = None
    held_to_mask: bool = False

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The client's adapter, which is dense however few numbers have come."""
        return {"adapter": adapter_output(lab, self.part, self.ranks)}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """A copy; training state, and what it began from."""
        own = adapter_output(lab, self.part, self.ranks).nbytes
        state = AdapterState.bytes_by_kind(own, lab.optimiser.moments)
        return Cost(resident_bytes={**state, "adapter": 2 * own})

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """The received weights."""
        return {"adapter": AdapterState.fresh(values[0].weights, values[1] if self.held_to_mask else None)}


@dataclass(frozen=True, kw_only=True)
class Delta(Operation):
    """What a client has moved, as FLASC has the sign: where it began less where it has come. Inputs: these two."""

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The difference, as an adapter."""
        return {"adapter": inputs[0].output}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """A subtraction for each number."""
        return Cost(flops=inputs[0].nbytes // SCALAR_BYTES)

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Subtract."""
        began, now = values
        return {"adapter": AdapterState.fresh(began.weights - now.weights)}


@dataclass(frozen=True, kw_only=True)
class ServerStep(Operation):
    """FedOpt (Reddi et al. 2021, arXiv 2003.00295): the plain mean of the deltas is the gradient of a server's step.

    Inputs: the server's adapter, the deltas of ``clients``, and whatever has come with them. The server's moments are
    dense, so that a number of which no client sends anything still moves by what it did before.
    """

    kept: ClassVar[frozenset[str]] = frozenset({"adapter"})
    optimiser: Optimiser
    clients: int

    def outputs(self, lab: Lab, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        """The server's adapter."""
        return {"adapter": inputs[0].output}

    def cost(self, lab: Lab, inputs: Sequence[Ref]) -> Cost:
        """An addition for each number received, and a division; adapter, mean and moments are kept."""
        received = sum(ref.nbytes for ref in inputs[1 : 1 + self.clients])
        flops = (received + inputs[0].nbytes) // SCALAR_BYTES
        return Cost(flops=flops, resident_bytes=state_bytes(inputs[0], self.optimiser))

    def run(self, lab: Lab, values: Sequence[Any]) -> Mapping[str, Any]:
        """Sum in the order of the inputs."""
        server, *deltas = values[: 1 + self.clients]
        mean = server.weights.new_zeros(server.weights.shape)
        for delta in deltas:
            mean.add_(delta.weights)
        mean.div_(self.clients)
        (stepped,) = self.optimiser.step_in_place(Stack.of([server]), mean[None])
        return {"adapter": stepped}
