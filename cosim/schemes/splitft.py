"""SplitFT: split-fed learning in which every client has a cut layer of its own, which moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BeforeValidator, model_validator

from cosim.clock import to_s
from cosim.cuts.base import Fleet
from cosim.nodes import User
from cosim.scenario.compression import SMASHED
from cosim.scenario.parts import CutPolicyPart
from cosim.scenario.section import Count, default
from cosim.schemes.averaging import AveragingOptions, AveragingScheme
from cosim.schemes.cut_times import forecast
from cosim.schemes.options import SchemeOptions
from cosim.schemes.places import Course, Load, Place
from cosim.schemes.splitting import holders
from cosim.schemes.stage import Stage
from cosim.schemes.telling import Acts
from training.adapters import Part
from training.cut_flops import FlopsByCut

if TYPE_CHECKING:
    from cosim.cuts.base import CutPolicy, Cuts
    from cosim.scenario.models import Scenario
    from training.adapters import Ranks
    from training.jobs import Ref


def _first_cuts(given: Any) -> tuple[int, ...]:
    cuts = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not cuts or any(type(cut) is not int or cut < 1 for cut in cuts):
        raise ValueError("expected a number of blocks such as 2, or one for each client in turn such as [2, 3, 4]")
    return cuts


class SplitFTOptions(AveragingOptions):
    """The defaults are the paper's where it says them: cut 2, both sides of the cut of a lower rank."""

    ways = SMASHED
    cut: Annotated[tuple[int, ...], BeforeValidator(_first_cuts, json_schema_input_type=Count | list[Count])] = default(
        (2,), "where clients cut at first, as far as memory goes: one for all, or several dealt to them in turn"
    )
    policy: CutPolicyPart = default({}, "where they cut from then on")
    every: Count = default(5, "rounds between two looks of the policy")
    least_cut: Count = default(1, "the shallowest cut that there may be")
    most_cut: Count | None = default(None, "the deepest; else all blocks but one")
    largest_move: Count = default(2, "layers by which a cut moves at most at a time")
    cut_rank: Count | None = default(None, "rank of adapters at the cut; else the model's")
    cut_sides: Literal["client", "both"] = default("both", "which blocks at the cut have it: the last one before, or")
    weights: Literal["placed", "sent"] = default(
        "placed", "clients have the frozen weights of all blocks that they may come to hold; or these are sent"
    )
    main_server: Literal["edge", "cloud"] = default("edge", "who runs what lies beyond the cuts")

    @model_validator(mode="after")
    def _cuts_lie_in_their_range(self) -> Self:
        outside = [cut for cut in self.cut if not self.least_cut <= cut <= (self.most_cut or cut)]
        if outside:
            most = "" if self.most_cut is None else f" and most_cut = {self.most_cut}"
            raise ValueError(f"cut = {outside[0]}: must lie between least_cut = {self.least_cut}{most}")
        return self

    def problems(self, scenario: Scenario) -> list[str]:
        """A policy that cannot be made."""
        found = super().problems(scenario)
        try:
            self.policy.build()
        except ValueError as error:
            found.append(f"scheme.policy = {self.policy.said}: {error}")
        return found


class SplitFT(AveragingScheme):
    """SplitFT (Shan et al., arXiv 2604.26388): every client its own cut layer, of a lower rank at the cut.

    A main server runs what lies beyond the cut with an adapter for each client. The federated server averages block by
    block, whoever has held it, and of each component of LoRA over those who have trained it.

    Before every so many rounds a policy says where clients should cut. Moved blocks take their optimiser moments along,
    which travel, and their weights come with the average, as always. So a moving cut changes nothing of what is
    learned, but where the lower rank is: without one it is split-fed learning at any cuts.
    """

    Options: ClassVar[type[SchemeOptions]] = SplitFTOptions

    def __init__(self, *given: Any) -> None:
        self._deepest: dict[int, int] = {}
        super().__init__(*given)
        self.policy: CutPolicy = self.options.policy.build()
        self.flops = FlopsByCut(self.learning.step_flops, self.learning.blocks)
        self.measured_s = np.zeros(len(self.world.users))
        for user in self.world.users:
            self.recut(user, self.cut_of(user))

    @property
    def layers(self) -> range:
        """All cut layers that there may be."""
        return range(self.options.least_cut, (self.options.most_cut or self.learning.blocks - 1) + 1)

    def deepest(self, user: User) -> int:
        """The deepest cut that there may be, and for which the client has memory.

        Raises:
            ValueError: it has no memory for the shallowest one.
        """
        if user.index not in self._deepest:
            most = self.layers[-1]
            if user.memory_bytes is not None:
                most = min(most, self.needs.most_blocks(user, self.learning.at_most(user.rank)))
            if most < self.options.least_cut:
                raise ValueError(
                    f"users.memory: {user.name} has memory for {most} blocks, and scheme.least_cut is "
                    f"{self.options.least_cut}"
                )
            self._deepest[user.index] = most
        return self._deepest[user.index]

    def load(self) -> Load:
        """All clients at once, each at the deepest cut for itself, and at the shallowest for its server."""
        whole = self.learning.whole
        courses = []
        for user, (mine, other) in zip(self.world.users, self.chains, strict=True):
            ranks = self.learning.at_most(user.rank)
            own = Place(user, Part(first=0, last=self.deepest(user)), ranks, mine.adapter.lineage)
            beyond = Place(
                other.node, Part(first=self.options.least_cut, last=whole.last), ranks, other.adapter.lineage
            )
            courses.append(Course(user, (own, beyond)))
        return self.load_of(courses)

    def cut(self) -> list[Part]:
        """What is averaged: the whole model.

        Raises:
            ValueError: a cut beyond the model.
        """
        blocks = self.learning.blocks
        for key in ("cut", "most_cut"):
            given = getattr(self.options, key)
            deepest = max(given) if key == "cut" else given
            if deepest is not None and deepest >= blocks:
                raise ValueError(
                    f"scheme.{key} = {deepest}: the model has {blocks} blocks; expected {blocks - 1} at most"
                )
        return [self.learning.whole]

    def chain(self, user: User) -> list[Stage]:
        """The client's stage, and its own instance at the main server."""
        first = min(self.options.cut[user.index % len(self.options.cut)], self.deepest(user))
        parts = self.learning.parts([first])
        nodes = holders(self.options, self.world, user, parts)
        return [
            self.stage(node, part, user.name, user.samples, user.rank) for node, part in zip(nodes, parts, strict=True)
        ]

    def cut_of(self, user: User) -> int:
        """Where the client cuts now."""
        return self.chains[user.index][0].part.last

    def placed(self, stage: Stage) -> Part:
        """A client has the frozen weights of all that it may come to hold, if so placed; a server, what is beyond."""
        if stage.node.role != "user":
            return Part(first=self.options.least_cut, last=self.learning.blocks)
        if self.options.weights == "sent":
            return stage.part
        assert isinstance(stage.node, User)
        return Part(first=0, last=self.deepest(stage.node))

    def ranks(self, user: User, cut: int) -> Ranks | None:
        """The ranks of a client's adapter that is cut there; None for the model's."""
        sides = (cut - 1, cut) if self.options.cut_sides == "both" else (cut - 1,)
        return self.learning.at_most(user.rank, self.options.cut_rank, sides)

    def begin_round(self, number: int) -> Acts:
        """Before some rounds, cuts move."""
        if number > 1 and (number - 1) % self.options.every == 0:
            yield from self.move_cuts(number)
        yield from super().begin_round(number)

    def move_cuts(self, number: int) -> Acts:
        """The policy looks at all clients; those that shall cut elsewhere do so, all at once."""
        now = np.array([self.cut_of(user) for user in self.world.users])
        wanted = self.within_limits(self.policy.cuts(self.fleet(now, number)), now)
        yield from self.each(
            lambda user: self.move(user, int(wanted[user.index])),
            [user for user in self.world.users if wanted[user.index] != now[user.index]],
        )

    def fleet(self, now: Cuts, number: int) -> Fleet:
        """What there is to know before round ``number``."""
        layers = np.array(self.layers)
        return Fleet(
            cuts=now,
            layers=layers,
            forecast=forecast(self, self.layers, (number - 1) * self.local_steps) if self.policy.timed else None,
            measured_s=self.measured_s,
            scores=self.scores() if self.policy.scored else None,
        )

    def scores(self) -> Any:
        """The accuracy (K,) of each client's own model on the held-out sequences, outside simulated time."""
        found = [self.learning.evaluate([stage.adapter for stage in chain]) for chain in self.chains]
        return np.array([metrics.accuracy for metrics in self.learning.values(found)])

    def within_limits(self, wanted: Cuts, now: Cuts) -> Cuts:
        """The nearest that the options allow, and each client's memory."""
        step, deepest = self.options.largest_move, [self.deepest(user) for user in self.world.users]
        return np.clip(np.clip(wanted, now - step, now + step), self.layers[0], deepest)

    def move(self, user: User, cut: int) -> Acts:
        """The client takes blocks over from its instance at the main server, or hands some to it."""
        mine, other = self.chains[user.index]
        before = mine.part.last
        moved = Part(first=min(before, cut), last=max(before, cut))
        giver, taker = (other, mine) if cut > before else (mine, other)
        luggage = [self.learning.moments(moved, mine.adapter.output.ranks)]
        if taker is mine and self.options.weights == "sent":
            luggage.append(self.learning.segment(moved))
        yield from self.send(giver.node, taker.node, *luggage)
        taker.node.let_go(luggage[0])
        self.recut(user, cut)

    def recut(self, user: User, cut: int) -> None:
        """The client's adapter, which lies in two states, is divided there from now on."""
        chain = self.chains[user.index]
        held, ranks = [(stage.part, stage.adapter) for stage in chain], self.ranks(user, cut)
        for stage, part in zip(chain, self.learning.parts([cut]), strict=True):
            self.put_away(stage)
            stage.adapter = self.learning.recut(part, held, ranks, stage.adapter.lineage)
            stage.part = part
            self.take_up(stage)

    def train(self, user: User) -> Acts:
        """See ``AveragingScheme.train``; the time is taken."""
        began = self.world.clock.now_ns
        try:
            yield from super().train(user)
        finally:
            self.measured_s[user.index] = to_s(self.world.clock.now_ns - began)

    def refresh(self, copies: Sequence[Stage]) -> Acts:
        """Copies at one node receive what they have of the average: all blocks that any of them has, once."""
        node, (average,) = copies[0].node, self.averages
        parts = {stage.part for stage in copies}
        wanted = Part(first=min(part.first for part in parts), last=max(part.last for part in parts))
        ranks = copies[0].adapter.output.ranks if len(copies) == 1 else None
        whole = [(self.learning.whole, average)]
        sent = self.learning.recut(wanted, whole, ranks, average.lineage)
        yield from self.send(self.federated_server, node, sent)
        for stage in copies:
            yield from self.adopt(stage, self.learning.recut(stage.part, whole, None, average.lineage))
        node.let_go(sent)

    def average_over(self, chains: Sequence[Sequence[Stage]]) -> Acts:
        """The federated server averages whole adapters, put together of both sides; no chain, no change."""
        if chains:
            (before,) = self.averages
            job = self.learning.average_trained(
                before, [self.joined(chain) for chain in chains], [chain[0].samples for chain in chains]
            )
            self.averages = [job["adapter"]]
            yield self.federated_server.compute(job)
            for stage in (stage for chain in chains for stage in chain):
                self.federated_server.let_go(self.report_of(stage))
                self.reported.pop(stage, None)

    def joined(self, chain: Sequence[Stage]) -> Ref:
        """The whole adapter of a client."""
        mine = chain[0].adapter
        held = [(stage.part, stage.adapter) for stage in chain]
        return self.learning.recut(self.learning.whole, held, mine.output.ranks, mine.lineage)
