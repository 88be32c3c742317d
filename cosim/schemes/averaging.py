"""The round that federated and split-fed learning share: averages out, local steps, adapters back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import simpy

from channel_models.randomness import Stream
from cosim.allocation.learning_model import LearningModel
from cosim.nodes import Node, User
from cosim.scenario.compression import ADAPTERS
from cosim.scenario.parts import AllocationPart
from cosim.scenario.quantities import Duration
from cosim.scenario.section import Count, default
from cosim.schemes.demand import batches_of, mean_demand
from cosim.schemes.fedavg import FedAvg
from cosim.schemes.options import SchemeOptions
from cosim.schemes.participation import sampled
from cosim.schemes.places import Course, Load, Place
from cosim.schemes.stage import Stage
from cosim.schemes.telling import Acts

if TYPE_CHECKING:
    from cosim.allocation.demand import Demand
    from cosim.scenario.models import Scenario
    from training.adapters import Part
    from training.jobs import Ref


class AveragingOptions(SchemeOptions):
    """Rounds may be of some users, and may end before all these have reported: at a deadline, or with enough reports.

    More clients than reports are over-selection (Bonawitz et al. 2019, arXiv 1902.01046).
    """

    ways = ADAPTERS
    clients: Count | None = default(None, "users that are sampled to train, without replacement; else all")
    reports: Count | None = default(None, "with which a round ends: who of its clients is slower is left out")
    deadline: Duration | None = default(None, "of a round: who has not reported before is left out of its average")
    allocation: AllocationPart | None = default(None, "who has which part of the uplink band; else radio.access says")

    @property
    def uses_every_link(self) -> bool:
        """Where nobody is drawn, and no allocator has a say."""
        return self.clients is None and self.allocation is None

    def problems(self, scenario: Scenario) -> list[str]:
        """More clients than users, more reports than clients, or a deadline that nobody can keep."""
        found, users, latency_s = super().problems(scenario), scenario.users.count, scenario.backhaul.latency
        if (self.clients or 0) > users:
            found.append(f"scheme.clients = {self.clients}: there are {users} users (users.count)")
        if (self.reports or 0) > (self.clients or users):
            found.append(
                f"scheme.reports = {self.reports}: no more than {self.clients or users} users train in a round "
                "(scheme.clients)"
            )
        if self.deadline is not None and self.averages_at_cloud(scenario) and self.deadline <= 2 * latency_s:
            found.append(
                f"scheme.deadline = '{self.deadline:g} s': nobody could report before it, as an average and a report "
                f"need {2 * latency_s:g} s on the wires alone (backhaul.latency)"
            )
        return found

    def averages_at_cloud(self, scenario: Scenario) -> bool:
        """Whether the federated server is a role of the cloud."""
        return True


class AveragingScheme(FedAvg):
    """FedAvg over the copies of every part; the federated server is a role of the cloud, unless
    a subclass gives it to another.

    Who misses the end of a round stops where it is, and may take part again in the next, from its average: partial
    participation. What it has sent or begun to compute is spent. Without reports a round leaves the averages alone.
    The same goes for users who drop out of a round because their device goes off, their server crashes, or a message is
    lost for good; they take part again in the next round that begins when their device is on.

    A subclass says which parts there are and which stages a user's mini-batches go through. Servers exchange adapters
    with the federated server beside their users: an average reaches each server once, however many copies adopt it,
    and no wider than the widest of them.
    """

    Options: ClassVar[type[SchemeOptions]] = AveragingOptions

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        part = self.options.allocation
        self.allocator = None if part is None else self.world.bands.allocator(part)
        at = self.averaging_node()
        self.begin_averages(self.cut(), at)
        self.chains = [tuple(self.chain(user)) for user in self.world.users]
        self._refreshed: dict[Stage, simpy.Event] = {}
        self._sampling = Stream(self.world.seed, "clients")

    def averaging_node(self) -> Node:
        """Where the federated server is."""
        return self.world.cloud

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

    def chain_of(self, user: User) -> Sequence[Stage]:
        """See ``Scheme``."""
        return self.chains[user.index]

    def load(self) -> Load:
        """All users at once."""
        return self.load_of(
            [Course.through(user, chain) for user, chain in zip(self.world.users, self.chains, strict=True)]
        )

    def load_of(self, courses: Sequence[Course]) -> Load:
        """That of courses which all go on at once."""
        return Load(
            alternatives=[[course] for course in courses],
            hub=self.averaging_node(),
            exchanged=list(dict.fromkeys(place.part for course in courses for place in course.places)),
            deadline_s=0.0 if self.options.reports or self.world.users_may_stop else self.options.deadline,
            rounds=self.options.rounds,
        )

    def story(self) -> Acts:
        """Rounds of local training and averaging."""
        for number in self.rounds():
            yield from self.begin_round(number)
            clients = sampled(self._sampling, number, self.world.users, self.options.clients)
            self.refresh_servers(clients)
            punctual = yield from self.each(self.train, clients, self.options.deadline, self.options.reports)
            heard = {stage for user in punctual for stage in self.chains[user.index]}
            reports = [self.report(stage) for stage in self.shared_stages() if stage in heard]
            yield from self.servers(reports, "adapters of servers")
            yield from self.average(punctual)
            self._round.staleness = [0] * len(punctual)

    def begin_round(self, number: int) -> Acts:
        """What is decided before averages go out."""
        self.deal_bands(number)
        yield from ()

    def deal_bands(self, number: int) -> None:
        """Before the first round, or before each, an allocator deals the uplink band, if there is one.

        The number of local steps is the scheme's; ``v`` and a local accuracy of a half stand for it.
        """
        if self.allocator is None or (number > 1 and self.options.allocation.every == "run"):
            return
        given = LearningModel(a=1.0, v=float(self.local_steps))
        current = self.options.allocation.every == "round"
        problem = self.world.bands.problem(self.demand(number), given, current=current)
        self.world.bands.deal(self.allocator, self.allocator.allocate(problem, 0.5, self.world.bands.serving))

    def demand(self, number: int) -> Demand:
        """What the mini-batches of a round ask of each user, on average."""
        batches = batches_of(self, range((number - 1) * self.local_steps, number * self.local_steps))
        return mean_demand(self, [[Place.of(stage) for stage in chain] for chain in self.chains], batches)

    def train(self, user: User) -> Acts:
        """One user's round: receive the average, train on the own data, report the own copies of all parts."""
        mine, *others = self.chains[user.index]
        yield from self.refresh([mine])
        for stage in others:
            yield from self.wait(self._refreshed[stage], "average to server")
        for batch in self.batches(user):
            yield from self.train_step([mine, *others], batch)
        yield from self.report_all([mine, *(stage for stage in others if stage not in self.shared_stages())])

    def report_all(self, stages: Sequence[Stage]) -> Acts:
        """The user reports its own copy, the servers theirs beside it; too late, none of them counts."""
        mine, *others = stages
        reports = [self.beside(self.report(stage)) for stage in others]
        try:
            yield from self.report(mine)
            for reported in reports:
                yield from self.wait(reported, "adapter of server")
        except simpy.Interrupt as cut:
            for reported in reports:
                if reported.is_alive:
                    reported.interrupt(cut.cause)
            for stage in stages:
                self.federated_server.let_go(self.report_of(stage))
            raise

    def refresh_servers(self, users: Sequence[User]) -> None:
        """The federated server sends every server the average of what it runs for ``users``, beside what these do."""
        copies: dict[str, list[Stage]] = {}
        chains = [self.chains[user.index] for user in users]
        for stage in dict.fromkeys(stage for _, *others in chains for stage in others):
            copies.setdefault(stage.node.name, []).append(stage)
        for stages in copies.values():
            self._refreshed |= dict.fromkeys(stages, self.beside(self.refresh(stages)))

    def average(self, users: Sequence[User] | None = None) -> Acts:
        """The federated server averages the copies of each part that ``users`` (else all) trained, by their samples."""
        return self.average_over(self.chains if users is None else [self.chains[user.index] for user in users])
