"""The acts of a federated server: an average goes out, copies of it are trained and come back, they are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cosim.nodes import Node
from cosim.schemes.base import Scheme
from cosim.schemes.stage import Stage
from cosim.schemes.telling import Acts

if TYPE_CHECKING:
    from training.adapters import Part
    from training.jobs import Ref


class FedAvg(Scheme):
    """A scheme with averages (McMahan et al. 2017, arXiv 1602.05629) of the copies of parts, at a federated server."""

    federated_server: Node
    parts: list[Part]
    averages: list[Ref]
    reported: dict[Stage, Ref]
    """What has arrived of stages whose adapters are compressed on their way."""

    def begin_averages(self, parts: Sequence[Part], at: Node) -> None:
        """The averages of ``parts``, which node ``at`` has from the start."""
        self.federated_server = at
        self.parts = list(parts)
        self.averages = [self.learning.start(part, f"average {part}") for part in self.parts]
        self.reported = {}

    def refresh(self, copies: Sequence[Stage]) -> Acts:
        """Copies of one part at one node receive its average, which travels once."""
        part = copies[0].part
        widest = max((stage.adapter for stage in copies), key=lambda adapter: adapter.nbytes)
        average = self.learning.narrow(part, self.averages[self.parts.index(part)], widest.output.ranks)
        server, node = self.federated_server, copies[0].node
        if node is not server:
            average = yield from self.packing.down(server, copies[0], average)
        yield from self.send(server, node, average)
        for stage in copies:
            yield from self.adopt(stage, average)

    def report(self, stage: Stage) -> Acts:
        """The stage sends its adapter to the federated server."""
        if stage.node is self.federated_server:
            return
        sent = yield from self.packing.up(stage)
        yield from self.send(stage.node, self.federated_server, sent)
        self.reported[stage] = sent

    def report_of(self, stage: Stage) -> Ref:
        """The adapter of the stage as the federated server has it."""
        return self.reported.get(stage, stage.adapter)

    def average_over(self, chains: Sequence[Sequence[Stage]]) -> Acts:
        """The federated server averages the copies in ``chains`` of each part, by their samples; no chain, no change.

        A copy that several chains share counts once.
        """
        for index, stages in enumerate(zip(*chains, strict=True)):
            copies = list(dict.fromkeys(stages))
            job = self.learning.average(
                [self.report_of(stage) for stage in copies],
                [stage.samples for stage in copies],
                self.averages[index].lineage,
            )
            self.averages[index] = job["adapter"]
            for stage in copies:
                self.reported.pop(stage, None)
                self.packing.counted(stage)
            yield self.federated_server.compute(job)
