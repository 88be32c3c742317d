"""How stories of a scheme are told: users' at once or in turn, servers' beside them, and what cuts them short."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Any

import simpy

from cosim.clock import Process, to_ns
from cosim.nodes import User
from cosim.presence import REASONS
from cosim.recorder import EVERYBODY, NOBODY, Story
from cosim.schemes.stage import Round
from cosim.stuck import Stuck
from cosim.world import World

Acts = Generator[simpy.Event, Any, None]
"""A story in progress: what it yields, it waits for."""

LATE = "left out of the round"
"""Why a user stops at a deadline."""

DEADLINE = "deadline"
"""What cuts off its messages then."""

MOST_STOPS = 500
"""Who is done once in fifty times is given up wrongly with probability 4e-5."""


class Telling:
    """Tells stories in a ``world``; each belongs to the round that is under way when it begins."""

    world: World
    _round: Round

    def each(
        self,
        act: Callable[[User], Acts],
        users: Sequence[User],
        deadline_s: float | None = None,
        enough: int | None = None,
    ) -> Generator[simpy.Event, Any, list[User]]:
        """All ``users`` act at once, until the last has done; who is done, or takes no part, waits.

        Whoever is not done before the deadline, or when ``enough`` others are, stops where it is, and so does whose
        device goes off; the answer are those who were done. Whose device is off does not begin; there is at least one.
        """
        yield from self.until_somebody(users)
        began, clock = self.world.clock.now_ns, self.world.clock
        ended_ns: dict[int, int] = {}
        done: list[User] = []

        def close() -> None:
            here = zip(present, told, strict=True)
            self.cut_short([process for user, process in here if user.index not in ended_ns])

        def over(user: User, whole: bool) -> None:
            if whole:
                done.append(user)
            ended_ns[user.index] = clock.now_ns
            if len(done) == enough:
                close()

        ends = deadline_s is not None or enough is not None
        present = [user for user in users if not user.is_off]
        told = [self._tell(self._turn(act(user), user, over), user.index, ends=ends) for user in present]
        if deadline_s is not None:
            clock.at(began + to_ns(deadline_s), close)
        yield clock.all_of(told)
        for user in self.world.users:
            self._waited(user, ended_ns.get(user.index, began), "the other users")
        return sorted(done, key=lambda user: user.index)

    def in_turn(self, act: Callable[[User], Acts], users: Sequence[User]) -> Acts:
        """One user acts after another; the others wait. Whose device is off, or goes off, loses its turn."""
        yield from self.until_somebody(users)
        began, clock = self.world.clock.now_ns, self.world.clock
        turns: dict[int, tuple[int, int]] = {}
        for user in users:
            if user.is_off:
                continue
            start = clock.now_ns
            yield self._tell(self._turn(act(user), user), user.index)
            turns[user.index] = (start, clock.now_ns)
        for user in self.world.users:
            start, end = turns.get(user.index, (began, began))
            story = Story(user.index, self._round.number)
            self.world.recorder.waited(began, start, user.name, "its turn", story)
            self._waited(user, end, "the other users")

    def beside(self, act: Acts) -> Process:
        """Start an act beside the users' stories: it delays nobody but who waits for it, and may be interrupted."""
        return self._tell(_interruptible(act), NOBODY)

    def until_somebody(self, users: Sequence[User]) -> Acts:
        """Wait until the device of one of ``users`` is on.

        Raises:
            Stuck: that will never be.
        """
        clock = self.world.clock
        while users and all(user.is_off for user in users):
            if all(user.link.is_blocked_for_ever_by(REASONS["dropout"]) for user in users):
                raise Stuck(f"from {clock.now_s:g} s on the devices of all users that are to train are off for ever")
            changed = clock.first_of([user.link.changed for user in users])
            yield from self.world.recorder.waiting(changed, self.world.cloud.name, "devices off", outside=True)

    def cut_short(self, told: Sequence[Process]) -> None:
        """End stories that may be cut short; what they have begun to compute or to send by wire is spent."""
        for process in told:
            assert process.story is not None  # as ``_tell`` has it
            self.world.recorder.cut_short(process.story)
            process.interrupt(DEADLINE)

    def wait(self, event: simpy.Event, what: str) -> Acts:
        """The story waits for ``event``."""
        yield from self.world.recorder.waiting(event, self.world.cloud.name, what)

    def servers(self, acts: Sequence[Acts], what: str) -> Acts:
        """Servers act at once beside the users, who all wait for ``what``."""
        began, clock = self.world.clock.now_ns, self.world.clock
        yield clock.all_of([self.beside(act) for act in acts])
        everybody = Story(EVERYBODY, self._round.number)
        self.world.recorder.waited(began, clock.now_ns, self.world.cloud.name, what, everybody)

    def _tell(self, story: Generator[simpy.Event, Any, Any], user: int, *, ends: bool = False) -> Process:
        """Start a story; of a user's, ``ends`` says that it will be ended if it does not end by itself."""
        process = self.world.clock.process(story)
        may_be_cut = ends or (user >= 0 and self.world.users_may_stop)
        self.world.recorder.tell(process, Story(user, self._round.number, may_be_cut=may_be_cut, ends=ends))
        if user >= 0:
            self.world.users[user].acting = process
        return process

    def _turn(self, act: Acts, user: User, over: Callable[[User, bool], None] | None = None) -> Acts:
        """The user's act; then ``over`` is told whether it came to its end, ``whole``, or was stopped."""
        whole = True
        try:
            yield from act
        except simpy.Interrupt as stop:
            self.note_stop(user, str(stop.cause))
            whole = False
        if over is not None:
            over(user, whole)

    def note_stop(self, user: User, cause: str) -> None:
        """Record that the user's round ended before it was done."""
        now_ns, recorder = self.world.clock.now_ns, self.world.recorder
        if cause == DEADLINE:
            recorder.happened(now_ns, now_ns, user.name, "deadline", LATE)
        else:
            recorder.happened(now_ns, now_ns, user.name, "drop", cause)

    def _waited(self, user: User, since_ns: int, reason: str) -> None:
        story = Story(user.index, self._round.number)
        self.world.recorder.waited(since_ns, self.world.clock.now_ns, user.name, reason, story)


def _interruptible(act: Acts) -> Acts:
    """The act, which ends if it is interrupted."""
    with suppress(simpy.Interrupt):
        yield from act
