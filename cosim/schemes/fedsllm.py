"""FedsLLM: split-fed learning whose bands, local accuracy and cut give the least delay."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from cosim.nodes import Node, User
from cosim.scenario.convergence import Convergence
from cosim.scenario.parts import AllocationPart
from cosim.scenario.section import Count, default
from cosim.schemes.choice import Choice, CutsOrAuto, RoundsByRank
from cosim.schemes.demand import batches_of, mean_demand
from cosim.schemes.options import SchemeOptions
from cosim.schemes.places import Course, Place
from cosim.schemes.splitfed import SplitFed, SplitFedOptions
from cosim.schemes.splitting import AUTO, holders

if TYPE_CHECKING:
    from cosim.allocation.demand import Demand
    from cosim.allocation.learning_model import LearningModel
    from cosim.allocation.problem import Allocation, DelayProblem
    from cosim.scenario.models import Scenario
    from training.adapters import Part
    from training.cut_flops import StepFlops
    from training.steps import Batch

_LOOKED_AT = 8  # mini-batches of each user, by which costs are known before it is known how many there are
_ROUNDING = 1e-9  # what n and I0 may be above a whole number and still be that


class FedsLLMOptions(SplitFedOptions):
    """The local accuracy eta says how many local steps and rounds there are."""

    rounds: Count = default(10, "at most; fewer where I0(eta) is less")
    local_steps: Count | None = default(None, "mini-batches of each user in a round; else n(eta)")  # type: ignore[assignment]  # nobody but ``take`` reads it
    cut: CutsOrAuto = default(3, "user | main server; two cut layers: user | edge server | cloud; auto: of least delay")  # type: ignore[assignment]  # nor but the chooser
    ranks: RoundsByRank | None = default(
        None, "rounds that adapters of each rank take, {1: 60, 4: 45}: the rank of least delay, in place of I0(eta)"
    )
    allocation: AllocationPart = default({}, "who has which part of the uplink band, and which local accuracy")
    convergence: Convergence = default({}, "how n and I0 go with eta")
    federated_server: Literal["edge", "cloud"] | None = default(
        None, "where adapters are averaged; else at the edge server, if there is but one"
    )

    @model_validator(mode="after")
    def _rounds_are_of_given_steps(self) -> Self:
        if self.ranks is not None and self.local_steps is None:
            raise ValueError(f"ranks = {self.ranks}: rounds are measured at a number of local steps; give local_steps")
        return self

    def problems(self, scenario: Scenario) -> list[str]:
        """A federated server that may lose the model."""
        found = super().problems(scenario)
        if scenario.faults.edge_crashes.name != "always" and not self.averages_at_cloud(scenario):
            found.append(
                "faults.edge_crashes: the edge server is the federated server, too, and a crash would lose the model; "
                "expected scheme.federated_server = cloud"
            )
        return found

    def averages_at_cloud(self, scenario: Scenario) -> bool:
        """See ``AveragingOptions``."""
        return self.federated_server == "cloud" or scenario.edges.count > 1


class FedsLLM(SplitFed):
    """FedsLLM (Zhao et al., arXiv 2407.09250): all users at once, a main server beyond the cut, a federated server.

    The allocator chooses the local accuracy eta once, by mean gains: every round has ceil(n(eta)) local steps, and
    there are ceil(I0(eta)) rounds, unless the scenario has fewer. For so many steps it deals the band.

    The cut, and with it the rank, may be whichever makes all rounds together the shortest, by theory: each is tried
    with the allocator before any stage is placed. Ranks are tried as in SflLLM (arXiv 2504.14667), for which rounds are
    measured and local steps given. Where memory is limited, what does not fit is passed over.
    """

    Options: ClassVar[type[SchemeOptions]] = FedsLLMOptions

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        convergence, choice = self.options.convergence.model(), self.choice
        steps = float(convergence.iterations(choice.eta))
        needed = _whole(choice.rounds)
        self.take(min(self.options.rounds, needed), self.options.local_steps or _whole(steps))
        self.plan = {
            **({"cut": choice.cuts[0]} if len(choice.cuts) == 1 else {}),
            **({} if choice.rank is None else {"rank": choice.rank}),
            "eta": choice.eta,
            "iterations": steps,
            "rounds_needed": needed,
            "rounds": self.last_round,
            "local_steps": self.local_steps,
            "delay_s": choice.delay_s,
        }

    def averaging_node(self) -> Node:
        """The only edge server, or the cloud.

        Raises:
            ValueError: it is to be at the edge, where there are several.
        """
        edges, wanted = self.world.edges, self.options.federated_server
        if wanted == "edge" and len(edges) > 1:
            raise ValueError(
                f"scheme.federated_server = 'edge': there are {len(edges)} edge servers (edges.count), and one must "
                "average for all; expected cloud"
            )
        return self.world.cloud if wanted == "cloud" or len(edges) > 1 else edges[0]

    def cut(self) -> list[Part]:
        """See ``SplitFed``; of all cuts and ranks that there may be, those of least delay."""
        from training.cut_flops import FlopsByCut  # noqa: PLC0415 - torch comes with it, and only runs need it

        batches = batches_of(self, range(_LOOKED_AT))
        candidates = [(cuts, rank) for cuts in self.cuts() for rank in self.options.ranks or (None,)]
        cuts, rank = candidates[0]
        if len(candidates) > 1:
            flops = FlopsByCut(self.learning.step_flops, self.learning.blocks)
            fast_first = sorted(candidates, key=lambda each: self.expected(each[0], each[1], batches, flops).delay_s)
            cuts, rank = self.first_that_fits(fast_first)
        self.choice = self.expected(cuts, rank, batches)
        return self.learning.parts(cuts)

    def first_that_fits(
        self, candidates: Sequence[tuple[tuple[int, ...], int | None]]
    ) -> tuple[tuple[int, ...], int | None]:
        """Of these cuts and ranks, the first for which all nodes have memory.

        Raises:
            ValueError: there is none.
        """
        if not self.world.limited:
            return candidates[0]
        shortages = []
        for cuts, rank in candidates:
            shortages.append(self.needs.shortage(self.load_of(self.courses(cuts, rank))))
            if not shortages[-1]:
                return cuts, rank
        raise ValueError(f"no cut of {len(candidates)} fits; with the fastest, {shortages[0]}")

    def courses(self, cuts: tuple[int, ...], rank: int | None) -> list[Course]:
        """What would go on at once with these cuts and this rank."""
        parts = self.learning.parts(cuts)

        def place(node: Node, part: Part, user: User) -> Place:
            ranks = self.learning.at_most(rank or SplitFed.rank_at(self, node, user))
            return Place(node, part, ranks, f"{node.name} {part} {self.owner(node, user)}")

        return [
            Course(
                user,
                tuple(
                    place(node, part, user)
                    for node, part in zip(holders(self.options, self.world, user, parts), parts, strict=True)
                ),
            )
            for user in self.world.users
        ]

    def cuts(self) -> list[tuple[int, ...]]:
        """Those that are tried, shallow ones first."""
        if self.options.cut == AUTO:
            return [(cut,) for cut in range(1, self.learning.blocks)]
        return [self.options.cut]

    def rank_at(self, node: Node, user: User) -> int | None:
        """See ``SplitFed``; a rank that is chosen is everybody's."""
        return self.choice.rank or super().rank_at(node, user)

    def expected(
        self,
        cuts: tuple[int, ...],
        rank: int | None,
        batches: Sequence[Sequence[Batch]],
        step_flops: StepFlops | None = None,
    ) -> Choice:
        """What comes of these cuts and this rank, by theory."""
        convergence: LearningModel = self.options.convergence.model()
        demand = self.demand_with(cuts, rank, batches, step_flops)
        best = self.allocate(self.world.bands.problem(demand, convergence), convergence)
        eta, ranks = float(best.eta[0]), self.options.ranks
        return Choice(
            cuts=cuts,
            rank=rank,
            eta=eta,
            rounds=float(convergence.rounds(eta)) if ranks is None else ranks[rank],
            delay_s=float(best.total_s[0]) if ranks is None else ranks[rank] * float(best.round_s[0]),
        )

    def allocate(self, problem: DelayProblem, convergence: LearningModel) -> Allocation:
        """The allocator's local accuracy, or that which the given local steps come to, and the delay to expect."""
        assert self.allocator is not None  # its option has a default
        steps = self.options.local_steps
        eta = None if steps is None else float(convergence.accuracy(steps))
        return self.allocator.allocate(problem, eta, self.world.bands.serving)

    def demand_with(
        self,
        cuts: tuple[int, ...],
        rank: int | None,
        batches: Sequence[Sequence[Batch]],
        step_flops: StepFlops | None = None,
    ) -> Demand:
        """What a local iteration, or a round, asks of each user, however many iterations there are in one."""
        chains = [course.places for course in self.courses(cuts, rank)]
        demand = mean_demand(self, chains, batches, step_flops)
        of_a_round = self.world.payloads.round_activations
        return demand if of_a_round is None else demand.a_round(of_a_round)


def _whole(number: Any) -> int:
    """``number``, or the next whole one above it."""
    return max(1, ceil(float(number) - _ROUNDING))
