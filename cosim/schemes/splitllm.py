"""SplitLLM: split learning over user, edge server and cloud, of a few users at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import simpy
from pydantic import BeforeValidator

from channel_models.randomness import Stream
from cosim.clock import Process
from cosim.nodes import Edge, Node, User
from cosim.scenario.compression import ADAPTERS, SMASHED
from cosim.scenario.parts import PairingPart
from cosim.scenario.section import Count, Flag, default
from cosim.schemes.fedavg import FedAvg
from cosim.schemes.joint import JointStage
from cosim.schemes.options import SchemeOptions
from cosim.schemes.participation import Participation, ParticipationOptions
from cosim.schemes.places import Course, Load
from cosim.schemes.splitting import read_cuts
from cosim.schemes.stage import Stage
from cosim.schemes.telling import MOST_STOPS, Acts
from cosim.stuck import Stuck

if TYPE_CHECKING:
    from cosim.pairing.base import Pairing
    from cosim.scenario.models import Scenario
    from training.adapters import Part
    from training.jobs import Job, Ref
    from training.steps import Batch


def _two_cuts(given: Any) -> tuple[int, ...]:
    try:
        cuts = read_cuts(given)
    except ValueError:
        cuts = ()
    if len(cuts) != 2:
        raise ValueError("expected two cut layers that rise, such as [2, 6], for three parts: user | edge | cloud")
    return cuts


class SplitLLMOptions(ParticipationOptions):
    """There are as many pairs in a round as edge servers, unless the pairing leaves some of these alone."""

    ways = ADAPTERS | SMASHED
    cut: Annotated[tuple[int, ...], BeforeValidator(_two_cuts, json_schema_input_type=tuple[Count, Count])] = default(
        (2, 6), "two cut layers: user | edge server | cloud"
    )
    pairing: PairingPart = default({}, "which users train with the edge servers in a round")
    cloud_update: Literal["sequential", "mean", "replicated"] = default(
        "sequential",
        "one cloud-side adapter, stepped by arrival or along the mean of all pairs; or one a pair, averaged",
    )
    distribution: Flag = default(True, "the frozen segments travel, once, before the first round trains")

    def problems(self, scenario: Scenario) -> list[str]:
        """Fewer users than edge servers, a pairing that cannot be made, messages of rounds without a length."""
        found = super().problems(scenario)
        users, edges = scenario.users.count, scenario.edges.count
        if edges > users:
            found.append(f"edges.count = {edges}: each needs a user of its own in every round, users.count is {users}")
        try:
            self.pairing.build(stream=Stream(0, "checked"))
        except ValueError as error:
            found.append(f"scheme.pairing = {self.pairing.said}: {error}")
        if scenario.payloads.round_activations is not None and self.local_steps is None:
            found.append("payloads.round_activations: local epochs have no common number of mini-batches; give "
                         "scheme.local_steps")  # fmt: skip
        return found


class SplitLLM(FedAvg, Participation):
    """SplitLLM (Zhang et al., arXiv 2501.13318): each round pairs some users with the edge servers, one each.

    Users train the first blocks, edge servers the middle, the cloud the rest; the cloud averages the adapters of users
    and edge servers by the samples of the round's users, and what it holds of its own part is stepped as
    ``cloud_update`` says, which the paper leaves open.

    A paired edge server need not be the one that serves the user: messages then go from the serving one over the
    backhaul by way of the cloud, which only passes them on, and over the backhaul to the paired one; back likewise.

    A user holds weights and training state in memory as long as it trains; an idle one has its segment and its
    optimiser's moments in storage, and adapters come anew with each round. Edge servers and cloud hold theirs always.
    A user's mini-batches go on where it stopped when it was last paired.

    A pair whose user's device goes off, or whose edge server crashes, drops out of the round: its copies are left out
    of the averages, and the others go on without it. A pair whose user is off as the round begins sits it out. Segments
    are sent until every user has its own.
    """

    Options: ClassVar[type[SchemeOptions]] = SplitLLMOptions

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        world, options = self.world, self.options
        self.pairing: Pairing = options.pairing.build(stream=Stream(world.seed, "pairing"))
        self.begin_averages(self.learning.parts(options.cut), world.cloud)
        first, middle, last = self.parts
        self.at_users = [self.stage(user, first, "own", user.samples, user.rank, idle=True) for user in world.users]
        self.at_edges = [self.stage(edge, middle, "own", 0) for edge in world.edges]
        self.replicated = options.cloud_update == "replicated"
        owners = [edge.name for edge in world.edges] if self.replicated else ["shared"]
        self.at_cloud = [self.stage(world.cloud, last, owner, 0) for owner in owners]
        self.joint = JointStage(self, self.at_cloud[0]) if options.cloud_update == "mean" else None
        self.chains: dict[int, list[Stage]] = {}

    def model(self) -> Sequence[Ref]:
        """The averages; of a cloud part that all pairs share, the part itself."""
        return self.averages if self.replicated else [*self.averages[:2], self.at_cloud[0].adapter]

    def load(self) -> Load:
        """One stream at each edge server, of any user."""
        pairs = [[(user, edge) for user in self.world.users] for edge in self.world.edges]
        return Load(
            alternatives=[[Course.through(user, self.stages(user, edge)) for user, edge in some] for some in pairs],
            hub=self.federated_server,
            exchanged=self.parts if self.replicated else self.parts[:2],
            deadline_s=0.0 if self.world.users_may_stop else None,
            rounds=self.last_round,
        )

    def story(self) -> Acts:
        """Segments once; then rounds of pairing, split training in parallel, and averaging."""
        for number in self.rounds():
            if number == 1 and self.options.distribution:
                yield from self.distribute()
            pairs = self.pairing.pairs(number, self.world.users, self.world.edges)
            yield from self.until_somebody([user for user, _ in pairs])
            pairs = [(user, edge) for user, edge in pairs if not user.is_off]
            self.chains = {user.index: self.chain(user, edge) for user, edge in pairs}
            if self.joint:
                self.joint.begin({user.index: self.steps(user) for user, _ in pairs})
            done = yield from self.each(self.train, [user for user, _ in pairs])
            if self.joint:
                yield from self.joint.end()
            yield from self.average_over([self.averaged(self.chains[user.index]) for user in done])
            self._round.staleness = [0] * len(done)

    def distribute(self) -> Acts:
        """The cloud sends every edge server and every user its segment of the pre-trained model, each a copy."""
        first, middle, _ = self.parts
        to_edges = [self.beside(self.install(edge, middle)) for edge in self.world.edges]
        lacking = self.world.users
        for _ in range(MOST_STOPS):
            installed = yield from self.each(lambda user: self.install(user, first), lacking)
            lacking = [user for user in lacking if user not in installed]
            if not lacking:
                break
        else:
            raise Stuck(f"{lacking[0].name} stopped {MOST_STOPS} times before it had its segment of the model")
        for arrived in to_edges:
            yield from self.wait(arrived, "segment to edge server")

    def install(self, node: Node, part: Part) -> Acts:
        """The frozen weights of ``part`` travel from the cloud to the storage of ``node``."""
        yield from self.send(self.world.cloud, node, self.learning.segment(part))

    def chain(self, user: User, edge: Edge) -> list[Stage]:
        """The stages of the pair's mini-batches; copies count in averages as the user's samples."""
        user.edge = edge
        chain = self.stages(user, edge)
        for stage in self.averaged(chain):
            stage.samples = user.samples
        return chain

    def stages(self, user: User, edge: Edge) -> list[Stage]:
        """Those that a pair has."""
        place = edge.index if self.replicated else 0
        return [self.at_users[user.index], self.at_edges[edge.index], self.at_cloud[place]]

    def chain_of(self, user: User) -> Sequence[Stage]:
        """See ``Scheme``."""
        return self.chains.get(user.index, ())

    def averaged(self, chain: Sequence[Stage]) -> Sequence[Stage]:
        """Those of its stages that are copies."""
        return chain if self.replicated else chain[:2]

    def train(self, user: User) -> Acts:
        """One pair's round: receive the averages, train on the user's data, report the copies."""
        chain = self.chains[user.index]
        mine, *others = self.averaged(chain)
        self.take_up(mine)
        reported: list[Process] = []
        try:
            refreshed = [self.beside(self.refresh([stage])) for stage in others]
            yield from self.refresh([mine])
            for arrived in refreshed:
                yield from self.wait(arrived, "average to server")
            for batch in self.next_batches(user):
                yield from self.train_step(chain, batch)
            reported = [self.beside(self.report(stage)) for stage in others]
            yield from self.report(mine)
            self.put_away(mine)
            for arrived in reported:
                yield from self.wait(arrived, "adapter of server")
        except simpy.Interrupt as stop:
            self.drop_out(user, reported, str(stop.cause))
            raise

    def drop_out(self, user: User, reported: Sequence[Process], cause: str) -> None:
        """The pair's copies, of which some may have been ``reported``, do not count, and nobody waits for the user."""
        mine, *others = self.averaged(self.chains[user.index])
        for report in reported:
            if report.is_alive:
                report.interrupt(cause)
        self.put_away(mine)
        for stage in (mine, *others):
            self.federated_server.let_go(self.report_of(stage))
        if self.joint:
            self.joint.leave(user.index)

    def last_turn(
        self, chain: Sequence[Stage], batch: Batch, arrived: Sequence[Ref]
    ) -> Generator[simpy.Event, Any, Job]:
        """See ``Scheme.last_turn``; with ``mean``, all pairs step together."""
        if self.joint is None:
            return super().last_turn(chain, batch, arrived)
        return self.joint.turn(self.at_users.index(chain[0]), batch, arrived)
