"""FedsLLM: split-fed learning whose bands and local accuracy give the least delay."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cosim.nodes import Node
from cosim.scenario.convergence import Convergence
from cosim.scenario.parts import AllocationPart
from cosim.scenario.section import Count, default
from cosim.schemes.base import SchemeOptions
from cosim.schemes.splitfed import SplitFed, SplitFedOptions

if TYPE_CHECKING:
    from cosim.allocation.demand import Demand
    from cosim.allocation.learning_model import LearningModel
    from cosim.allocation.problem import Allocation, DelayProblem

_LOOKED_AT = 8  # mini-batches of each user, by which costs are known before it is known how many there are
_ROUNDING = 1e-9  # what n and I0 may be above a whole number and still be that


class FedsLLMOptions(SplitFedOptions):
    """The local accuracy eta says how many local steps and rounds there are."""

    rounds: Count = default(10, "at most; fewer where I0(eta) is less")
    local_steps: Count | None = default(None, "mini-batches of each user in a round; else n(eta)")  # type: ignore[assignment]  # nobody but ``take`` reads it
    allocation: AllocationPart = default({}, "who has which part of the uplink band, and which local accuracy")
    convergence: Convergence = default({}, "how n and I0 go with eta")
    federated_server: Literal["edge", "cloud"] | None = default(
        None, "where adapters are averaged; else at the edge server, if there is but one"
    )


class FedsLLM(SplitFed):
    """FedsLLM (Zhao et al., arXiv 2407.09250): all users at once, a main server beyond the cut, a federated server.

    The allocator chooses the local accuracy eta once, by mean gains: every round has ceil(n(eta)) local steps, and
    there are ceil(I0(eta)) rounds, unless the scenario has fewer. For so many steps it deals the band.
    """

    Options: ClassVar[type[SchemeOptions]] = FedsLLMOptions

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        convergence: LearningModel = self.options.convergence.model()
        problem = self.world.bands.problem(self.demand_of_any_round(), convergence)
        best = self.choose(problem, convergence)
        eta = float(best.eta[0])
        needed = _whole(convergence.rounds(eta))
        self.take(min(self.options.rounds, needed), self.options.local_steps or _whole(convergence.iterations(eta)))
        self.plan = {
            "eta": eta,
            "iterations": float(convergence.iterations(eta)),
            "rounds_needed": needed,
            "rounds": self.last_round,
            "local_steps": self.local_steps,
            "delay_s": float(best.total_s[0]),
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

    def choose(self, problem: DelayProblem, convergence: LearningModel) -> Allocation:
        """The allocator's local accuracy, or that which the given local steps come to, and the delay to expect."""
        assert self.allocator is not None  # its option has a default
        steps = self.options.local_steps
        eta = None if steps is None else float(convergence.accuracy(steps))
        return self.allocator.allocate(problem, eta, self.world.bands.serving)

    def demand_of_any_round(self) -> Demand:
        """What a local iteration, or a round, asks of each user, however many iterations there are in one."""
        demand, of_a_round = self.demand_of(range(_LOOKED_AT)), self.world.payloads.round_activations
        return demand if of_a_round is None else demand.a_round(of_a_round)


def _whole(number: Any) -> int:
    """``number``, or the next whole one above it."""
    return max(1, ceil(float(number) - _ROUNDING))
