"""Federated and split-fed learning without rounds: users train on, and the server takes reports as they come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import simpy

from channel_models.randomness import Stream
from cosim.nodes import User
from cosim.presence import REASONS
from cosim.scenario.parts import AggregationPart
from cosim.scenario.section import default
from cosim.schemes.averaging import AveragingOptions, AveragingScheme
from cosim.schemes.options import SchemeOptions
from cosim.schemes.telling import DEADLINE, MOST_STOPS, Acts
from cosim.stuck import Stuck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cosim.aggregation.base import Aggregation
    from cosim.scenario.models import Scenario
    from cosim.schemes.places import Course, Load
    from training.jobs import Ref
    from training.steps import Batch


class AsynchronousOptions(AveragingOptions):
    """With an aggregation there are no rounds to wait for; a round is then what ends with a new model."""

    aggregation: AggregationPart | None = default(
        None, "of reports as they come, without rounds; else the average of a round's reports"
    )

    def problems(self, scenario: Scenario) -> list[str]:
        """An aggregation that cannot be made, or ends of rounds where there are none."""
        found = super().problems(scenario)
        if self.aggregation is None:
            return found
        try:
            self.aggregation.build()
        except ValueError as error:
            found.append(f"scheme.aggregation = {self.aggregation.said}: {error}")
        found += [
            f"scheme.{key}: with an aggregation there are no rounds that end so; leave out either"
            for key in ("deadline", "reports")
            if getattr(self, key) is not None
        ]
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """What a user has trained, part by part, what it began from, and how many models there had been before that."""

    user: User
    model: int
    trained: tuple[Ref, ...]
    began: tuple[Ref, ...]


class AsynchronousScheme(AveragingScheme):
    """Rounds as ``AveragingScheme`` has them; or, with an aggregation, none.

    Then each user receives the server's present model, trains, reports, and begins anew. As soon as there are as many
    reports as the aggregation wants, the server makes a new model of them; at that instant, and until it is made,
    nobody is sent the old one. Where no more than some ``clients`` train at a time, who has reported makes room, and
    the next one is drawn from those who are idle. The last new model ends the training wherever users are.

    A round is what ends with a new model, so that ``rounds`` counts these; its reports have a staleness, the number of
    models made since theirs was sent out. A user's mini-batches go on where it stopped. What happens is told by the
    round in which it began.
    """

    Options: ClassVar[type[SchemeOptions]] = AsynchronousOptions

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._invitations = Stream(self.world.seed, "invitations")
        self._invited = 0
        self._taken = Counter[int]()
        self._idle: set[int] = set()
        self._turns: dict[int, simpy.Event] = {}
        self._reports: list[Report] = []
        self._came = self.world.clock.event()
        self._updating = True
        self._out = Counter[int]()
        self._stops = 0

    @cached_property
    def aggregation(self) -> Aggregation | None:
        """What the scenario says."""
        part: AggregationPart | None = self.options.aggregation
        return None if part is None else part.build()

    def load_of(self, courses: Sequence[Course]) -> Load:
        """See ``AveragingScheme``; without rounds, reports of a user and models that are out wait at the hub, too."""
        load = super().load_of(courses)
        if self.aggregation is None or load.hub is None:
            return load
        waiting = self.aggregation.buffer - 1
        models = waiting + len(courses) if self.aggregation.needs_beginnings else 0
        copies = 1 if self.packing.compressors.upload.exact else 2  # as it came, and restored
        model = sum(self.learning.adapter_bytes(part) for part in load.exchanged)
        return replace(load, beside={load.hub: (waiting * copies + models) * model})

    def batches(self, user: User) -> Iterator[Batch]:
        """See ``Scheme``; without rounds, those that follow the user's last ones."""
        if self.aggregation is None:
            return super().batches(user)
        return self.batches_from(user, self._taken[user.index] * self.local_steps, self.local_steps)

    def story(self) -> Acts:
        """Rounds; or users who train on while the server makes new models."""
        if self.aggregation is None:
            yield from super().story()
            return
        users, clock = self.world.users, self.world.clock
        told = []
        self._idle = {user.index for user in users}
        self._turns = {user.index: clock.event() for user in users}
        for number in self.rounds():
            self.deal_bands(number)
            if number == 1:
                told = [self._tell(self.train_on(user), user.index, ends=True) for user in users]
            self._updating = False
            self.invite()
            while len(self._reports) < self.aggregation.buffer:
                yield self._came
            self._updating = True
            yield self.beside(self.update())
            if number == self.last_round:
                self.cut_short([process for process in told if process.is_alive])
                yield clock.all_of(told)

    def train_on(self, user: User) -> Acts:
        """One user's story: it waits until it is invited, and does what it does in a round.

        If it must stop, its report will not come, and it is idle from when its device is on again.
        """
        recorder, model = self.world.recorder, None
        while True:
            try:
                yield from self.until_on(user)
                yield from recorder.waiting(self._turns[user.index], user.name, "its turn")
                model = self._round.number - 1
                recorder.story.round = self._round.number
                self._out[model] += 1
                yield from self.train(user)
                self.arrived(user, model)
            except simpy.Interrupt as stop:
                if stop.cause == DEADLINE:
                    return  # there is a last model
                self.note_stop(user, str(stop.cause))
                self.require_reports()
                if model is not None:
                    self.comes_no_more(model)
                    self.is_idle(user)
            model = None

    def require_reports(self) -> None:
        """A user has stopped.

        Raises:
            Stuck: so often, one after another, that there is no hope for a report.
        """
        self._stops += 1
        most = MOST_STOPS * len(self.world.users)
        if self._stops > most:
            raise Stuck(f"users stopped {most} times, one after another, and none has come to report")

    def until_on(self, user: User) -> Acts:
        """The user waits until its device is on, if ever, and may then be invited."""
        clock, off = self.world.clock, REASONS["dropout"]
        while user.is_off:
            gone = user.link.is_blocked_for_ever_by(off)
            yield from self.world.recorder.waiting(user.link.changed, user.name, off, outside=not gone)
            clock.at(clock.now_ns, self.invite)

    def invite(self) -> None:
        """Idle users begin with the present model, as many as may train at a time; nobody while a new one is due."""
        assert self.aggregation is not None  # else there are rounds
        if self._updating or len(self._reports) >= self.aggregation.buffer:
            return
        users = self.world.users
        idle = np.array([index for index in sorted(self._idle) if not users[index].is_off], dtype=np.int64)
        room = (self.options.clients or len(users)) - (len(users) - len(self._idle))
        if room > 0 and len(idle):
            draws = self._invitations.uniform(idle, self._invited)
            self._invited += 1
            chosen = np.sort(idle[np.argsort(draws, kind="stable")[:room]]).tolist()
            self.refresh_servers([users[index] for index in chosen])
            for index in chosen:
                self._idle.remove(index)
                self._turns[index].succeed()

    def arrived(self, user: User, model: int) -> None:
        """The server has a report, and may make a new model of it; else the user, or another, begins anew."""
        chain, clock = self.chains[user.index], self.world.clock
        self._stops = 0
        trained = tuple(self.report_of(stage) for stage in chain)
        began = tuple(
            self.learning.narrow(stage.part, stage.began, stage.adapter.output.ranks)
            for stage in chain
            if stage.began is not None
        )
        self._reports.append(Report(user=user, model=model, trained=trained, began=began))
        for stage in chain:
            self.reported.pop(stage, None)
            self.packing.counted(stage)
        self._taken[user.index] += 1
        self.is_idle(user)
        self._came, came = clock.event(), self._came
        came.succeed()

    def is_idle(self, user: User) -> None:
        """It, or another, may be invited, after all that happens at this instant."""
        clock = self.world.clock
        self._idle.add(user.index)
        self._turns[user.index] = clock.event()
        clock.at(clock.now_ns, self.invite)

    def update(self) -> Acts:
        """The server makes a new model of the first reports, in the order of the users, not of arrival."""
        assert self.aggregation is not None  # else there are rounds
        present, size = self._round.number - 1, self.aggregation.buffer
        some, self._reports = self._reports[:size], self._reports[size:]
        some.sort(key=lambda report: (report.user.index, report.model))
        self._round.staleness = [present - report.model for report in some]
        if self.aggregation.needs_beginnings:
            self.keep(present)
        mixture = self.aggregation.mixture([report.user.samples for report in some], self._round.staleness)
        for index in range(len(self.parts)):
            weights: dict[Ref, Fraction] = defaultdict(Fraction)
            weights[self.averages[index]] = mixture.own
            for report, trained, began in zip(some, mixture.trained, mixture.began, strict=True):
                weights[report.trained[index]] += trained
                weights[report.began[index]] += began
            yield from self.mix(index, {ref: weight for ref, weight in weights.items() if weight})
        for report in some:
            self.comes_no_more(report.model)

    def comes_no_more(self, model: int) -> None:
        """Of the reports that began from a model, one is no longer to come; after the last, it need not be kept."""
        self._out[model] -= 1
        if not self._out[model]:
            del self._out[model]
            self.federated_server.memory.release(self.world.clock.now_ns, f"model {model}")

    def mix(self, index: int, weights: dict[Ref, Fraction]) -> Acts:
        """A part's new average is the sum of these adapters."""
        lineage = self.averages[index].lineage
        job = self.learning.mixture([*weights], [float(weight) for weight in weights.values()], lineage)
        self.averages[index] = job["adapter"]
        yield self.federated_server.compute(job)

    def keep(self, model: int) -> None:
        """The server keeps a model that is no longer the present one, as long as reports may come that began there."""
        if self._out[model]:
            held = sum(average.nbytes for average in self.averages)
            self.federated_server.memory.settle(self.world.clock.now_ns, f"model {model}", {"adapter": held})
