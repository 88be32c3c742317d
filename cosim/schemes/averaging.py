"""The round that federated and split-fed learning share: averages out, local steps, adapters back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cosim.nodes import User
from cosim.schemes.base import Acts, Scheme, Stage

if TYPE_CHECKING:
    from training.jobs import Ref
    from training.lora import Part


class AveragingScheme(Scheme):
    """FedAvg (McMahan et al. 2017) over the copies of every part; the federated server is a role of the cloud.

    A subclass says which parts there are and which stages a user's mini-batches go through.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.parts: list[Part] = self.cut()
        self.averages: list[Ref] = [self.learning.start(part, f"average {part}") for part in self.parts]
        self.chains: list[list[Stage]] = [self.chain(user) for user in self.world.users]

    @abstractmethod
    def cut(self) -> list[Part]:
        """The parts of the model, from the user's to the last."""

    @abstractmethod
    def chain(self, user: User) -> list[Stage]:
        """The stages of the user's mini-batches, one a part; stages may be shared between users."""

    def model(self) -> Sequence[Ref]:
        """The averages."""
        return self.averages

    def story(self) -> Acts:
        """Rounds of local training and averaging."""
        for _ in self.rounds():
            yield from self.servers([self.refresh(stage) for stage in self.shared_stages()], "averages to servers")
            yield from self.each(self.train, self.world.users)
            yield from self.servers([self.report(stage) for stage in self.shared_stages()], "adapters of servers")
            yield from self.average()

    def train(self, user: User) -> Acts:
        """One user's round: receive the averages, train on the own data, report the own copies."""
        chain = self.chains[user.index]
        own = [stage for stage in chain if stage not in self.shared_stages()]
        for stage in own:
            yield from self.refresh(stage)
        for batch in self.batches(user):
            yield from self.train_step(chain, batch)
        for stage in own:
            yield from self.report(stage)

    def refresh(self, stage: Stage) -> Acts:
        """The federated server sends the average of the stage's part to it."""
        average = self.averages[self.parts.index(stage.part)]
        yield from self.hand_over(average, self.world.cloud, stage)

    def report(self, stage: Stage) -> Acts:
        """The stage sends its adapter to the federated server."""
        yield from self.send(stage.node, self.world.cloud, stage.adapter)

    def average(self) -> Acts:
        """The federated server averages the copies of each part by their samples."""
        for index, copies in enumerate(self.copies()):
            job = self.learning.average([stage.adapter for stage in copies], [stage.samples for stage in copies])
            self.averages[index] = job["adapter"]
            yield self.world.cloud.compute(job)

    def copies(self) -> list[list[Stage]]:
        """For each part the stages that train a copy of it."""
        return [list(dict.fromkeys(stages)) for stages in zip(*self.chains, strict=True)]

    def shared_stages(self) -> list[Stage]:
        """Stages that more than one user's mini-batches go through by design; none, unless a subclass says so."""
        return []
