"""Federated learning of some users a round with an optimiser at the server: the rounds that CELLM's methods share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import nlargest
from typing import TYPE_CHECKING, Any, ClassVar, cast

import simpy

from channel_models.randomness import Stream
from cosim.nodes import User
from cosim.scenario.parts import OptimiserPart
from cosim.scenario.section import Count, default
from cosim.schemes.options import SchemeOptions
from cosim.schemes.participation import Participation, ParticipationOptions, sampled
from cosim.schemes.places import Course, Load
from cosim.schemes.stage import Stage
from cosim.schemes.telling import Acts
from training.payloads import state_bytes

if TYPE_CHECKING:
    from cosim.scenario.learning import Training
    from cosim.scenario.models import Scenario
    from training.jobs import Job, Ref
    from training.optimiser import Optimiser

_SERVER_LR = 5e-3
"""FLASC's, of AdamW."""


class FedOptOptions(ParticipationOptions):
    """Who takes part, and how they and the server step."""

    clients: Count | None = default(None, "users that are sampled for a round, without replacement; else all")
    client: OptimiserPart = default("sgd", "steps of users; lr and weight_decay are those of training, or its own")
    server: OptimiserPart = default("adamw", f"steps of the server; lr is {_SERVER_LR:g}, or its own")

    @property
    def uses_every_link(self) -> bool:
        """Where nobody is drawn."""
        return self.clients is None

    def optimiser(self, training: Training) -> Optimiser:
        """What users step by."""
        return cast("Optimiser", self.client.build_over(lr=training.lr, weight_decay=training.weight_decay))

    def server_optimiser(self) -> Optimiser:
        """What the server steps by."""
        return cast("Optimiser", self.server.build_over(lr=_SERVER_LR))

    def problems(self, scenario: Scenario) -> list[str]:
        """More clients than users, and optimisers that cannot be made."""
        found = super().problems(scenario)
        if (self.clients or 0) > scenario.users.count:
            found.append(f"scheme.clients = {self.clients}: there are {scenario.users.count} users (users.count)")
        makers: dict[str, Callable[[], Optimiser]] = {
            "client": lambda: self.optimiser(scenario.training),
            "server": self.server_optimiser,
        }
        for key, make in makers.items():
            try:
                make()
            except ValueError as error:
                found.append(f"scheme.{key} = {getattr(self, key).said}: {error}")
        return found


class FedOpt(Participation):
    """LoRA under FedOpt (Reddi et al. 2021, arXiv 2003.00295), of which CELLM and its siblings are made.

    In each round some users, sampled uniformly without replacement, receive the server's adapter, train it on their own
    data with fresh moments, and send back what they have moved. The plain mean of that is the gradient of a step of
    the server, a role of the cloud, whose moments stay there. The others hold and send nothing. While a user trains it
    holds, beside its training state, what it began from. The mean is of those who report: who drops out, because its
    device goes off or a message is lost for good, is left out, and its next mini-batches are those that follow.
    """

    Options: ClassVar[type[SchemeOptions]] = FedOptOptions

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.part = self.learning.whole
        self.optimiser: Optimiser = self.options.server_optimiser()
        self.adapter = self.learning.start(self.part, "server")
        self.stages = [
            self.stage(user, self.part, "own", user.samples, self.rank_of(user), idle=True) for user in self.world.users
        ]
        self._sampling = Stream(self.world.seed, "clients")
        self._reports: dict[int, list[Ref]] = {}

    def rank_of(self, user: User) -> int | None:
        """The most that a matrix of the user's adapter has; None for the model's."""
        return user.rank

    def model(self) -> Sequence[Ref]:
        """What a user without restrictions would receive."""
        return [self.adapter]

    def states(self) -> Sequence[Ref]:
        """The server's; users begin anew."""
        return [self.adapter]

    def load(self) -> Load:
        """As many users at a time as take part in a round, whichever."""
        server = self.world.cloud
        anybody = [Course.through(user, [stage]) for user, stage in zip(self.world.users, self.stages, strict=True)]
        began = {
            stage.node: self.learning.adapter_bytes(self.part, stage.adapter.output.ranks) for stage in self.stages
        }
        state = state_bytes(self.adapter, self.optimiser)
        clients = self.options.clients or len(anybody)
        restored = sum(nlargest(clients, began.values()))  # of reports, whose messages wait beside
        return Load(
            alternatives=[anybody] * clients,
            hub=server,
            exchanged=[self.part],
            beside={**began, server: sum(state.values()) + restored},
        )

    def story(self) -> Acts:
        """Rounds of local training, and a step of the server each."""
        self.prepare(1)
        for number in self.rounds():
            chosen = sampled(self._sampling, number, self.world.users, self.options.clients)
            yield from self.each(self.train, chosen)
            yield from self.step()
            self.prepare(number + 1)

    def prepare(self, number: int) -> None:
        """What round ``number`` begins with; nothing is computed here, but by what the server has by now."""

    def outgoing(self, user: User) -> list[Ref]:
        """What the server sends to the user."""
        return [self.learning.narrow(self.part, self.adapter, self.stages[user.index].adapter.output.ranks)]

    def begin(self, user: User, received: Sequence[Ref]) -> Job:
        """The user takes up what it has ``received``."""
        return self.learning.begin(self.part, self.stages[user.index].adapter, received)

    def report(self, user: User, delta: Ref) -> list[Ref]:
        """What the user sends of what it has moved; the values come first."""
        return [delta]

    def train(self, user: User) -> Acts:
        """One user's round."""
        stage = self.stages[user.index]
        untrained = stage.adapter
        self.take_up(stage)
        try:
            received = self.outgoing(user)
            yield from self.send(self.world.cloud, user, *received)
            begun = self.begin(user, received)
            stage.adapter = begun["adapter"]
            yield user.compute(begun)
            for batch in self.next_batches(user):
                yield from self.train_step([stage], batch)
            moved = self.learning.delta(begun["adapter"], stage.adapter)
            yield user.compute(moved)
            report = self.report(user, moved["adapter"])
            yield from self.send(user, self.world.cloud, *report)
        except simpy.Interrupt:
            self.dropped(user)
            self.reset(stage, untrained)
            raise
        self._reports[user.index] = report
        self.reset(stage, untrained)

    def reset(self, stage: Stage, untrained: Ref) -> None:
        """The user holds nothing until its next round, which it begins anew."""
        self.put_away(stage)
        stage.adapter = untrained

    def dropped(self, user: User) -> None:
        """The user's round ended before it was done."""

    def step(self) -> Acts:
        """The server steps along the mean of the reports, if any, in the order of the users, not of arrival."""
        if not self._reports:
            return
        reports = [self._reports[index] for index in sorted(self._reports)]
        self._reports.clear()
        self._round.staleness = [0] * len(reports)
        deltas = [values for values, *_ in reports]
        beside = [ref for _, *others in reports for ref in others]
        job = self.learning.server_step(self.adapter, self.optimiser, deltas, beside)
        self.adapter = job["adapter"]
        yield self.world.cloud.compute(job)
