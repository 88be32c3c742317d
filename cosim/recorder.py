"""The append-only record of what took time, from which every table and figure derives."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple, get_args, overload

import numpy as np
import simpy
from numpy.typing import NDArray

from cosim.clock import Clock, Process
from cosim.pages import Pages
from cosim.stuck import Stuck

Act = Literal["waiting", "computing", "transmitting", "propagating", "happening"]
Delay = Literal["user_compute", "edge_compute", "cloud_compute", "uplink", "downlink", "backhaul", "waiting"]
Happening = Literal["handover", "outage", "absence", "deadline", "dropout", "crash", "drop"]
Kind = Delay | Happening

KINDS: tuple[Delay, ...] = (
    "user_compute",
    "edge_compute",
    "cloud_compute",
    "uplink",
    "downlink",
    "backhaul",
    "waiting",
)
"""What a delay can be; every simulated second of every user is one of these."""

HAPPENINGS: tuple[Happening, ...] = get_args(Happening)
"""What befalls a user or an edge server whatever it does: it delays nobody by itself, only those who then wait, which
is told apart."""

EVERYBODY = -1
"""The user of an activity that all users wait for."""
NOBODY = -2
"""The user of an activity beside the users' paths, such as a server's exchange with the federated server."""

_TOLD_WAITS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """One stretch of time with a name. Times in nanoseconds; ``user`` is whose delay it is."""

    start_ns: int
    end_ns: int
    node: str
    act: Act
    kind: Kind
    user: int
    round: int
    step: int
    reason: str = ""
    flops: int = 0
    energy_j: float = 0.0
    activation_bytes: int = 0
    gradient_bytes: int = 0
    adapter_bytes: int = 0
    label_bytes: int = 0
    model_bytes: int = 0
    position_bytes: int = 0
    repeated_bytes: int = 0

    @property
    def bytes(self) -> int:
        """All that was carried."""
        return sum(getattr(self, payload) for payload in PAYLOADS)


PAYLOADS = tuple(field.name for field in fields(Activity) if field.name.endswith("_bytes"))
"""The fields that say how many bytes of what were carried."""

_FIELDS = tuple(field.name for field in fields(Activity))
_TEXTS = tuple(_FIELDS.index(name) for name in ("node", "act", "kind", "reason"))
_CODES = "qqiiiiiiiqdqqqqqqq"  # of the fields in their order; in place of a text stands its number


class Activities(Sequence[Activity]):
    """All that was recorded, a hundred bytes each; an ``Activity`` is made when somebody looks at it."""

    def __init__(self) -> None:
        self._rows = Pages(dict(zip(_FIELDS, _CODES, strict=True)))
        self._texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def append(
        self, start_ns: int, end_ns: int, node: str, act: Act, kind: Kind, story: Story, reason: str, *amounts: float
    ) -> None:
        """Add an activity of ``story``; ``amounts`` are the fields of ``Activity`` from ``flops`` on."""
        what = self._number(node), self._number(act), self._number(kind)
        who = story.user, story.round, story.step
        self._rows.append(start_ns, end_ns, *what, *who, self._number(reason), *amounts)

    def cut(self, place: int, instant_ns: int) -> None:
        """What the activity at ``place`` is from ``instant_ns`` on goes on beside the users' paths.

        Amounts stay with what has begun before, if anything has.
        """
        row = list(self._rows.row(place))
        start, end, user, reason = (_FIELDS.index(name) for name in ("start_ns", "end_ns", "user", "reason"))
        rest = [*row[: reason + 1], *(0 for _ in row[reason + 1 :])]
        rest[start], rest[user] = instant_ns, NOBODY
        if row[start] < instant_ns:
            self._rows.append(*rest)
            row[end] = instant_ns
        else:
            row[user] = NOBODY
        self._rows.replace(place, *row)

    def columns(self) -> dict[str, NDArray[Any]]:
        """The fields of all activities as arrays (n,), for tables; texts are Python's own."""
        rows = self._rows.table()
        columns: dict[str, NDArray[Any]] = {name: rows[name] for name in _FIELDS}
        texts = np.array(self._texts, dtype=object)
        return columns | {_FIELDS[place]: texts[columns[_FIELDS[place]]] for place in _TEXTS}

    def totals(self, by: str, amounts: Sequence[str], first: int = 0) -> dict[str, float]:
        """Sums of the fields ``amounts`` together, by the text in the field ``by``; activities from ``first`` on."""
        found: dict[str, float] = {}
        for rows in self._rows.pages(first):
            sums = np.bincount(rows[by], weights=sum(rows[name] for name in amounts))
            for number in np.unique(rows[by]).tolist():
                text = self._texts[number]
                found[text] = found.get(text, 0.0) + float(sums[number])
        return found

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Activity: ...

    @overload
    def __getitem__(self, index: slice) -> list[Activity]: ...

    def __getitem__(self, index: int | slice) -> Activity | list[Activity]:
        chosen = range(len(self))[index]
        return self._activity(chosen) if isinstance(chosen, int) else [self._activity(place) for place in chosen]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it grows

    def _activity(self, place: int) -> Activity:
        row = list(self._rows.row(place))
        for column in _TEXTS:
            row[column] = self._texts[row[column]]
        return Activity(**dict(zip(_FIELDS, row, strict=True)))

    def _number(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return number


@dataclass(slots=True)
class Story:
    """Whose delay the running process is: set by the scheme, read by whatever takes time inside it.

    A story that ``may_be_cut`` short keeps in mind which activities reach ``ahead`` of the present, and until when. One
    that ``ends`` will be ended by somebody, however long it waits.
    """

    user: int = EVERYBODY
    round: int = 0
    step: int = 0
    may_be_cut: bool = False
    ends: bool = False
    ahead: tuple[tuple[int, int], ...] = ()


class Wait(NamedTuple):
    """Where a story waits and why, and whether for something from outside all stories."""

    node: str
    reason: str
    outside: bool


class Recorder:
    """Collects activities, each ascribed to the story of the process that is running when it is recorded.

    ``round`` is the present one, to which what happens to users is ascribed.
    """

    def __init__(self, clock: Clock) -> None:
        self.activities = Activities()
        self.round = 0
        self.waits: dict[simpy.Process, Wait] = {}
        self._clock = clock
        self._everybody = Story()

    @property
    def story(self) -> Story:
        """The story of the running process; outside any, everybody's."""
        process = self._clock.env.active_process
        told = process.story if isinstance(process, Process) else None
        return self._everybody if told is None else told

    def tell(self, process: Process, story: Story) -> None:
        """From now on what ``process`` does is part of ``story``."""
        process.story = story

    def add(
        self,
        story: Story | None = None,
        *,
        start_ns: int,
        end_ns: int,
        node: str,
        act: Act,
        kind: Kind,
        reason: str = "",
        flops: int = 0,
        energy_j: float = 0.0,
        activation_bytes: int = 0,
        gradient_bytes: int = 0,
        adapter_bytes: int = 0,
        label_bytes: int = 0,
        model_bytes: int = 0,
        position_bytes: int = 0,
        repeated_bytes: int = 0,
    ) -> None:
        """Record an activity of ``story`` (default: the running one), if it took time or carried something."""
        payloads = (
            activation_bytes, gradient_bytes, adapter_bytes, label_bytes, model_bytes, position_bytes, repeated_bytes
        )  # fmt: skip
        if end_ns > start_ns or any(payloads):
            who = story or self.story
            self.activities.append(start_ns, end_ns, node, act, kind, who, reason, flops, energy_j, *payloads)
            now_ns = self._clock.now_ns
            if who.may_be_cut and end_ns > now_ns:
                still = [(place, until_ns) for place, until_ns in who.ahead if until_ns > now_ns]
                who.ahead = (*still, (len(self.activities) - 1, end_ns))

    def cut_short(self, story: Story) -> None:
        """The story ends now: what it has begun goes on beside the users' paths."""
        for place, until_ns in story.ahead:
            if until_ns > self._clock.now_ns:
                self.activities.cut(place, self._clock.now_ns)
        story.ahead = ()

    def waited(self, start_ns: int, end_ns: int, node: str, reason: str, story: Story | None = None) -> None:
        """Record waiting at ``node`` for ``reason``, if it took time."""
        if end_ns > start_ns:
            self.add(story, start_ns=start_ns, end_ns=end_ns, node=node, act="waiting", kind="waiting", reason=reason)

    def waiting(
        self, event: simpy.Event, node: str, reason: str, *, outside: bool = False
    ) -> Generator[simpy.Event, Any, None]:
        """Wait for ``event``, and record it, also if the story is cut short meanwhile.

        What is waited for may come from ``outside`` the stories, such as a link that heals.
        """
        since_ns, story, process = self._clock.now_ns, self.story, self._clock.env.active_process
        self.waits[process] = Wait(node, reason, outside)
        try:
            yield event
        except simpy.Interrupt:
            self.waited(since_ns, self._clock.now_ns, node, reason, story)
            raise
        finally:
            self.waits.pop(process, None)
        self.waited(since_ns, self._clock.now_ns, node, reason, story)

    def require_progress(self) -> None:
        """Ask whether anything can still happen but in the background.

        Raises:
            Stuck: all stories wait for each other.
        """
        if self._clock.idle and not any(wait.outside for wait in self.waits.values()):
            raise Stuck(f"from {self._clock.now_s:g} s on all wait for each other")

    def who_waits(self) -> str:
        """Who waits for what now, in one line; of many, the first."""
        waits = list(dict.fromkeys(f"{wait.node} waits: {wait.reason}" for wait in self.waits.values()))
        more = len(waits) - _TOLD_WAITS
        return "; ".join(waits[:_TOLD_WAITS]) + (f"; and {more} more" if more > 0 else "")

    def happened(self, start_ns: int, end_ns: int, node: str, kind: Happening, reason: str) -> None:
        """Record what befell ``node``, in a row of its own however short it was."""
        nothing = (0,) * (len(PAYLOADS) + 2)
        self.activities.append(start_ns, end_ns, node, "happening", kind, Story(NOBODY, self.round), reason, *nothing)
