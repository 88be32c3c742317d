"""What mini-batches have a node hold in memory while they are there, by the prices of their phases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cosim.network import Network
    from cosim.scenario.compression import Compressors
    from training.adapters import Part, Ranks
    from training.compression.base import Compressor
    from training.learning import Learning
    from training.steps import Shape


@dataclass(frozen=True)
class Visit:
    """Bytes that a mini-batch has a node hold: at most while it ``rests`` there, and while it is ``computed``.

    ``flops`` are those of its longest phase.
    """

    rests: int
    computed: int = 0
    flops: int = 0

    @staticmethod
    def most(visits: Iterable[Visit]) -> Visit:
        """What is enough for each of them."""
        rests, computed, flops = zip(*((visit.rests, visit.computed, visit.flops) for visit in visits), strict=True)
        return Visit(max(rests), max(computed), max(flops))

    @property
    def extra(self) -> int:
        """What computing takes beyond rest."""
        return max(0, self.computed - self.rests)


class Visits:
    """Answers for the mini-batches of a run; ``shapes`` are all that those of a user may have."""

    def __init__(self, network: Network, learning: Learning, compressors: Compressors) -> None:
        self._network = network
        self._learning = learning
        self._compressors = compressors
        self.at = lru_cache(maxsize=None)(self._longest_visit)
        self.message_bytes = lru_cache(maxsize=None)(self._longest_message)

    def _longest_message(self, shapes: Sequence[Shape]) -> int:
        """What passes a cut at a time, either way, at most: activation and labels, or a gradient."""
        return max(max(self._up(shape), self._down(shape)) for shape in shapes)

    def _up(self, shape: Shape) -> int:
        return self._network.message_bytes(self._learning.message_bytes(shape, self._compressors.activations))

    def _down(self, shape: Shape) -> int:
        size = self._learning.message_bytes(shape, self._compressors.gradients)
        return self._network.message_bytes({"gradient": size["activation"]})

    def _longest_visit(self, part: Part, ranks: Ranks | None, shapes: Sequence[Shape]) -> Visit:
        """The most of mini-batches of all ``shapes``."""
        return Visit.most(self._visit_of(part, ranks, shape) for shape in shapes)

    def _visit_of(self, part: Part, ranks: Ranks | None, shape: Shape) -> Visit:
        """As ``Node`` accounts for it: inputs stay as long as what is saved with them; labels, until they are sent on.

        What is made to be sent takes a buffer of its own, which on its way has the size of the message. What came
        compressed is there beside what it is restored to.
        """
        size = self._learning.message_bytes(shape)
        phases = self._learning.phase_costs(part, shape, ranks)
        activation, labels = size["activation"], size["label"]
        arrived, with_it = (activation, labels) if part.first else (0, 0)
        back, sent_back = (activation, self._down(shape)) if part.first else (0, 0)
        packed_up = self._packed(shape, self._compressors.activations) if part.first else 0
        packed_down = self._packed(shape, self._compressors.gradients)
        if len(phases) == 1:
            (turn,) = phases
            taken = arrived + with_it
            computed = taken + packed_up + turn.saved_bytes + turn.transient_bytes + back
            return Visit(max(taken, sent_back), computed, turn.flops)
        forward, backward = phases
        kept = forward.saved_bytes + arrived
        forwards = packed_up + forward.transient_bytes + activation + labels  # which have come, or are made
        backwards = packed_down + backward.transient_bytes + activation + back
        return Visit(
            kept + max(self._up(shape) + with_it, activation, sent_back),
            kept + max(forwards, backwards),
            max(forward.flops, backward.flops),
        )

    def _packed(self, shape: Shape, compressor: Compressor) -> int:
        """What an activation or its gradient takes as a message, if that is not the tensor itself."""
        return 0 if compressor.exact else self._learning.message_bytes(shape, compressor)["activation"]
