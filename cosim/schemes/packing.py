"""What a scheme does to payloads before it sends them: they are compressed, where the scenario says so.

An adapter goes to the federated server as what it differs by from what its sender received, which the server knows;
with error feedback, that and what was left out before. From the federated server go the weights themselves; with error
feedback, as what they differ by from what that place has, in which all that was left out before is contained. An
adapter that is handed on from user to user is sent as it is.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import simpy

from channel_models.randomness import Stream
from training.compressing import RESIDUAL

if TYPE_CHECKING:
    from cosim.nodes import Node
    from cosim.scenario.compression import Compressors, Way
    from cosim.schemes.stage import Stage
    from cosim.world import World
    from training.compression.base import Compressor
    from training.jobs import PayloadKind, Ref
    from training.learning import Learning
    from training.steps import Batch

Packed = Generator[simpy.Event, Any, "Ref"]
"""An act at whose end there is what is sent, as it arrives."""

_KINDS: dict[Way, PayloadKind] = {"activations": "activation", "gradients": "gradient"}


@dataclass(kw_only=True, eq=False, slots=True)
class Known:
    """What a stage and the federated server both know: the weights that the stage took over ``last``, and what is left.

    The first weights are those from which all began; the ``learned`` ones are the second. Error feedback has
    ``residual`` of what has counted, and ``pending`` of what is on its way. ``number`` tells stages apart.
    """

    number: int
    last: Ref
    times: int = 0
    learned: Ref | None = None
    residual: Ref | None = None
    pending: Ref | None = None

    def reference(self, renewed: bool) -> Ref | None:
        """Weights to go by: the last, or always the first learned ones; None before there are any."""
        return self.last if renewed and self.learned is not None else self.learned


@dataclass(kw_only=True, eq=False)
class Packing:
    """Compresses what a scheme sends, and remembers of every stage what both sides know."""

    world: World
    learning: Learning
    compressors: Compressors
    known: dict[Stage, Known] = field(default_factory=dict)

    @property
    def states(self) -> list[Ref]:
        """All that the next round's messages depend on, beside the adapters of stages."""
        refs = [
            ref
            for known in self.known.values()
            for ref in (known.last, known.learned, known.residual)
            if ref is not None
        ]
        return list(dict.fromkeys(refs))

    def placed(self, stage: Stage) -> None:
        """A stage that has the weights from which all begin."""
        if not (self.compressors.upload.exact and self.compressors.download.exact):
            self.known[stage] = Known(number=len(self.known), last=stage.adapter)

    def lost(self, stage: Stage) -> None:
        """The stage begins afresh, and knows nothing of what went before."""
        known = self.known.get(stage)
        if known is not None:
            self.known[stage] = Known(number=known.number, last=stage.adapter)

    def took(self, stage: Stage, adapter: Ref) -> None:
        """The stage has taken over ``adapter``, which has arrived."""
        known = self.known.get(stage)
        if known is not None:
            known.last = adapter
            known.times += 1
            if known.times == 2:
                known.learned = adapter

    def lineages(self, stage: Stage) -> tuple[str, str]:
        """What the stage keeps in memory: its training state, and what it needs for its next message."""
        return stage.adapter.lineage, f"{stage.adapter.lineage} sent"

    def kept_bytes(self, adapter: int) -> int:
        """What the place of an adapter of so many bytes keeps for its next message, beside its training state."""
        return 0 if self.compressors.upload.exact else adapter * (2 if "upload" in self.compressors.fed_back else 1)

    def kept_for_each_bytes(self, adapter: int) -> int:
        """What the federated server keeps of each place that it sends adapters of so many bytes to."""
        return adapter if "download" in self.compressors.fed_back else 0

    def smashed(self, node: Node, way: Way, ref: Ref, batch: Batch, cut: int) -> Packed:
        """The activation of ``batch`` or its gradient, to be sent by ``node`` over the cut before block ``cut``."""
        compressor: Compressor = getattr(self.compressors, way)
        if compressor.exact:
            return ref
        story = self.world.recorder.story
        draw = self._draw(compressor, f"{way} at {cut}", story.user, story.round << 32 | story.step)
        job = self.learning.compress_activation(_KINDS[way], compressor, batch, ref, draw)
        yield node.compute(job)
        return job[_KINDS[way]]

    def up(self, stage: Stage) -> Packed:
        """The adapter of ``stage``, to be sent to the federated server."""
        compressor, known = self.compressors.upload, self.known.get(stage)
        if compressor.exact or known is None:
            return stage.adapter
        reference = self._reference(compressor, known)
        if compressor.needs_reference and reference is None:
            return stage.adapter
        feedback = "upload" in self.compressors.fed_back
        job = self.learning.compress_adapter(
            stage.part,
            compressor,
            stage.adapter,
            self.lineages(stage)[1],
            base=known.last,
            residual=known.residual,
            reference=reference,
            feedback=feedback,
            draw=self._draw(compressor, "upload", known.number, self.world.recorder.story.round),
        )
        yield stage.node.compute(job)
        known.pending = job[RESIDUAL] if feedback else None
        return job["adapter"]

    def counted(self, stage: Stage) -> None:
        """What ``up`` gave is in an average: what it left out comes on top of the next. Else it is as if never sent."""
        known = self.known.get(stage)
        if known is not None and known.pending is not None:
            known.residual, known.pending = known.pending, None

    def down(self, origin: Node, stage: Stage, average: Ref) -> Packed:
        """``average``, to be sent by ``origin`` to where ``stage`` is."""
        compressor, known = self.compressors.download, self.known.get(stage)
        if compressor.exact or known is None:
            return average
        reference = self._reference(compressor, known)
        if compressor.needs_reference and reference is None:
            return average
        job = self.learning.compress_adapter(
            stage.part,
            compressor,
            average,
            f"{stage.adapter.lineage} known",
            base=known.last if "download" in self.compressors.fed_back else None,
            reference=reference,
            draw=self._draw(compressor, "download", known.number, self.world.recorder.story.round),
        )
        yield origin.compute(job)
        return job["adapter"]

    def on(self, origin: Node, stage: Stage, adapter: Ref) -> Packed:
        """``adapter``, handed on by ``origin`` to ``stage``."""
        compressor, known = self.compressors.upload, self.known.get(stage)
        if compressor.exact or known is None:
            return adapter
        draw = self._draw(compressor, "handed on", known.number, self.world.recorder.story.round)
        job = self.learning.compress_adapter(stage.part, compressor, adapter, adapter.lineage, draw=draw)
        yield origin.compute(job)
        return job["adapter"]

    @staticmethod
    def _reference(compressor: Compressor, known: Known) -> Ref | None:
        if not compressor.needs_reference:
            return None
        return known.reference(compressor.renews_reference)

    def _draw(self, compressor: Compressor, what: str, entity: int, index: int) -> int:
        """A seed for lots; 0 where none are drawn, so that equal work stays equal."""
        if not compressor.needs_draw:
            return 0
        return Stream(self.world.seed, f"compression of {what}").seed_of(entity, index)
