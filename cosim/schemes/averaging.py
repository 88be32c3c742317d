"""The round that federated and split-fed learning share: averages out, local steps, adapters back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cosim.nodes import User
from cosim.schemes.base import Acts, Scheme, Stage

if TYPE_CHECKING:
    import simpy

    from training.adapters import Part
    from training.jobs import Ref


class AveragingScheme(Scheme):
    """FedAvg (McMahan et al. 2017) over the copies of every part; the federated server is a role of the cloud.

    A subclass says which parts there are and which stages a user's mini-batches go through. Servers exchange adapters
    with the federated server beside their users: an average reaches each server once, however many copies adopt it,
    and no wider than the widest of them.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.parts: list[Part] = self.cut()
        self.averages: list[Ref] = [self.learning.start(part, f"average {part}") for part in self.parts]
        self.chains: list[list[Stage]] = [self.chain(user) for user in self.world.users]
        self._refreshed: dict[tuple[str, Part], simpy.Event] = {}

    @abstractmethod
    def cut(self) -> list[Part]:
        """The parts of the model, from the user's to the last."""

    @abstractmethod
    def chain(self, user: User) -> list[Stage]:
        """The stages of the user's mini-batches, one a part; stages may be shared between users."""

    def shared_stages(self) -> list[Stage]:
        """Stages that the mini-batches of several users go through; none, unless a subclass says so."""
        return []

    def model(self) -> Sequence[Ref]:
        """The averages."""
        return self.averages

    def story(self) -> Acts:
        """Rounds of local training and averaging."""
        for _ in self.rounds():
            self.refresh_servers()
            yield from self.each(self.train, self.world.users)
            yield from self.servers([self.report(stage) for stage in self.shared_stages()], "adapters of servers")
            yield from self.average()

    def train(self, user: User) -> Acts:
        """One user's round: receive the average, train on the own data, report the own copies of all parts."""
        mine, *others = self.chains[user.index]
        yield from self.refresh([mine])
        for stage in others:
            yield from self.wait(self._refreshed[stage.node.name, stage.part], "average to server")
        for batch in self.batches(user):
            yield from self.train_step([mine, *others], batch)
        shared = self.shared_stages()
        reports = [self.beside(self.report(stage)) for stage in others if stage not in shared]
        yield from self.report(mine)
        for reported in reports:
            yield from self.wait(reported, "adapter of server")

    def refresh_servers(self) -> None:
        """The federated server sends every server the averages of the parts it runs, beside what the users do."""
        copies: dict[tuple[str, Part], list[Stage]] = {}
        for stage in dict.fromkeys(stage for _, *others in self.chains for stage in others):
            copies.setdefault((stage.node.name, stage.part), []).append(stage)
        self._refreshed = {place: self.beside(self.refresh(stages)) for place, stages in copies.items()}

    def refresh(self, copies: Sequence[Stage]) -> Acts:
        """Copies of one part at one node receive its average, which travels once."""
        part = copies[0].part
        widest = max((stage.adapter for stage in copies), key=lambda adapter: adapter.nbytes)
        average = self.learning.narrow(part, self.averages[self.parts.index(part)], widest.output.ranks)
        yield from self.send(self.world.cloud, copies[0].node, average)
        for stage in copies:
            yield from self.adopt(stage, average)

    def report(self, stage: Stage) -> Acts:
        """The stage sends its adapter to the federated server."""
        yield from self.send(stage.node, self.world.cloud, stage.adapter)

    def average(self) -> Acts:
        """The federated server averages the copies of each part by their samples."""
        for index, stages in enumerate(zip(*self.chains, strict=True)):
            copies = list(dict.fromkeys(stages))
            job = self.learning.average(
                [stage.adapter for stage in copies],
                [stage.samples for stage in copies],
                self.averages[index].lineage,
            )
            self.averages[index] = job["adapter"]
            yield self.world.cloud.compute(job)
