import tracemalloc
from dataclasses import astuple, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.clock import Clock
from cosim.recorder import EVERYBODY, HAPPENINGS, KINDS, NOBODY, PAYLOADS, Activity, Recorder, Story

COMPACT_BYTES = 150  # an activity; its hundred bytes, and what a growing array holds in reserve

AMOUNTS = st.integers(0, 2**62)
WORDS = st.sampled_from(["user0", "edge1", "cloud", "some text"])
RECORDS = st.lists(
    st.builds(
        Activity,
        start_ns=st.just(0),
        end_ns=st.integers(1, 2**62),
        node=WORDS,
        act=st.sampled_from(["waiting", "computing", "transmitting", "propagating", "happening"]),
        kind=st.sampled_from([*KINDS, *HAPPENINGS]),
        user=st.integers(-2, 10**6),
        round=st.integers(0, 10**6),
        step=st.integers(0, 10**6),
        reason=WORDS,
        flops=AMOUNTS,
        energy_j=st.floats(0.0, 1e300),
        **{f"{payload}_bytes": AMOUNTS for payload in ("activation", "gradient", "adapter", "label", "model")},
    ),
    max_size=5,
)


class Scene:
    """A clock and a recorder, and something that takes time in any depth of a story."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.recorder = Recorder(self.clock)

    def act(self, ns: int, node: str = "here"):
        start = self.clock.now_ns
        yield self.clock.at(start + ns)
        self.add(start, self.clock.now_ns, node)

    def add(self, start_ns: int, end_ns: int, node: str = "here", **fields: Any) -> None:
        self.recorder.add(start_ns=start_ns, end_ns=end_ns, node=node, act="computing", kind="user_compute", **fields)

    def begin(self, generator: Any, story: Story | None = None) -> Any:
        process = self.clock.process(generator)
        if story is not None:
            self.recorder.tell(process, story)
        return process

    def seen(self) -> list[tuple[str, int, int, int]]:
        return [(a.node, a.user, a.round, a.step) for a in self.recorder.activities]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_an_activity_belongs_to_the_story_of_the_process_that_runs(scene: Scene) -> None:
    scene.begin(scene.act(5), Story(user=3, round=2, step=1))
    scene.clock.env.run()
    assert scene.recorder.activities == [
        Activity(start_ns=0, end_ns=5, node="here", act="computing", kind="user_compute", user=3, round=2, step=1)
    ]


def test_what_a_story_delegates_is_still_its_own_however_deep(scene: Scene) -> None:
    def outer():
        yield from inner()
        yield from scene.act(5, "outer")

    def inner():
        yield from scene.act(5, "inner")

    scene.begin(outer(), Story(user=3, round=2))
    scene.clock.env.run()
    assert scene.seen() == [("inner", 3, 2, 0), ("outer", 3, 2, 0)]


def test_interleaved_stories_are_kept_apart(scene: Scene) -> None:
    def story(name: str):
        for ns in (10, 10, 10):
            yield from scene.act(ns, name)
            scene.recorder.story.step += 1

    for user in range(3):
        scene.begin(story(f"user{user}"), Story(user=user, round=1))
    scene.clock.env.run()
    assert scene.seen() == [(f"user{user}", user, 1, step) for step in range(3) for user in range(3)]


def test_a_process_begun_inside_a_story_is_not_part_of_it_unless_told(scene: Scene) -> None:
    def parent():
        yield scene.begin(scene.act(5, "untold"))
        yield scene.begin(scene.act(5, "told"), Story(user=8))
        yield from scene.act(5, "parent")

    scene.begin(parent(), Story(user=3))
    scene.clock.env.run()
    assert [(node, user) for node, user, _, _ in scene.seen()] == [("untold", EVERYBODY), ("told", 8), ("parent", 3)]


def test_outside_any_process_it_is_everybodys(scene: Scene) -> None:
    scene.add(0, 1)
    scene.clock.at(7, lambda: scene.add(6, 7))
    scene.clock.env.run()
    assert scene.seen() == [("here", EVERYBODY, 0, 0)] * 2


def test_a_story_can_be_told_for_somebody_else(scene: Scene) -> None:
    def storyteller():
        yield scene.clock.at(9)
        scene.recorder.waited(2, 9, "user4", "its turn", Story(user=4, round=6))

    scene.begin(storyteller(), Story(user=3))
    scene.clock.env.run()
    (waiting,) = scene.recorder.activities
    assert (waiting.user, waiting.round, waiting.kind, waiting.reason) == (4, 6, "waiting", "its turn")


def test_what_takes_no_time_is_dropped_unless_it_carries_bytes(scene: Scene) -> None:
    scene.add(5, 5, "nothing", flops=7, energy_j=1.0)
    scene.add(5, 5, "carried", label_bytes=1)
    scene.add(5, 6, "took time")
    scene.recorder.waited(5, 5, "waited for nothing", "")
    assert [a.node for a in scene.recorder.activities] == ["carried", "took time"]


def test_bytes_are_the_sum_over_all_kinds_of_payload() -> None:
    activity = Activity(start_ns=0, end_ns=1, node="a", act="transmitting", kind="uplink", user=0, round=0, step=0)
    payloads = [name for name in Activity.__slots__ if name.endswith("_bytes")]
    assert len(payloads) == 7
    assert replace(activity, **{name: 10**i for i, name in enumerate(payloads)}).bytes == 1111111


def test_every_kind_of_delay_is_named_once() -> None:
    assert len(set(KINDS)) == len(KINDS) == 7


def recorded(activities: list[Activity]) -> Recorder:
    recorder = Recorder(Clock())
    for activity in activities:
        told = dict(zip([field.name for field in fields(activity)], astuple(activity), strict=True))
        story = Story(told.pop("user"), told.pop("round"), told.pop("step"))
        recorder.add(story, **told)
    return recorder


@given(RECORDS)
def test_what_is_recorded_is_read_back_as_it_was(activities: list[Activity]) -> None:
    record = recorded(activities).activities
    assert list(record) == activities
    assert len(record) == len(activities)
    assert record[1:4] == activities[1:4]
    assert record[::-2] == activities[::-2]
    assert [record[-place] for place in range(1, len(activities) + 1)] == activities[::-1]
    assert record == activities == recorded(activities).activities
    assert record != [*activities, "more"]


@given(RECORDS)
def test_columns_hold_every_field_of_every_activity(activities: list[Activity]) -> None:
    columns = recorded(activities).activities.columns()
    assert list(columns) == [field.name for field in fields(Activity)]
    for name, column in columns.items():
        assert column.tolist() == [getattr(activity, name) for activity in activities]


@given(RECORDS, st.integers(0, 6))
def test_totals_are_the_sums_over_the_activities_from_the_first_that_is_asked_for(
    activities: list[Activity], first: int
) -> None:
    small = [replace(activity, **dict.fromkeys(PAYLOADS, activity.start_ns + 3)) for activity in activities]
    expected: dict[str, int] = {}
    for activity in small[first:]:
        expected[activity.node] = expected.get(activity.node, 0) + activity.bytes
    assert recorded(small).activities.totals("node", PAYLOADS, first) == expected


def test_a_long_record_is_read_and_added_up_like_a_short_one(scene: Scene) -> None:
    count = 5000  # several pages
    for number in range(count):
        scene.add(number, number + 1, f"node{number % 2}", flops=number)
    activities = scene.recorder.activities
    assert [activities[place].flops for place in (0, 1023, 1024, 2500, -1)] == [0, 1023, 1024, 2500, count - 1]
    assert activities.columns()["flops"].tolist() == list(range(count))
    late = {f"node{parity}": sum(range(3000 + parity, count, 2)) for parity in (0, 1)}
    assert activities.totals("node", ["flops"], 3000) == late


def test_there_is_nothing_beyond_the_last_activity(scene: Scene) -> None:
    scene.add(0, 1)
    for place in (1, -2):
        with pytest.raises(IndexError):
            scene.recorder.activities[place]


def test_columns_once_taken_stay_while_the_record_grows(scene: Scene) -> None:
    scene.add(0, 1, "first")
    columns = scene.recorder.activities.columns()
    scene.add(1, 2, "second")
    assert columns["node"].tolist() == ["first"]
    assert [activity.node for activity in scene.recorder.activities] == ["first", "second"]


def test_an_activity_is_kept_in_few_bytes(scene: Scene) -> None:
    count = 5000
    scene.add(0, 1)
    tracemalloc.start()
    for number in range(count):
        scene.add(10**12 + number, 10**12 + 2 * number + 1, flops=10**12 + number, energy_j=number / 7)
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(scene.recorder.activities) == count + 1
    assert kept_bytes < COMPACT_BYTES * count


def test_what_a_story_has_begun_goes_on_beside_the_users_when_it_ends() -> None:
    scene = Scene()
    told = Story(user=3, round=2, may_be_cut=True)

    def begin() -> None:
        for start_ns, end_ns in ((0, 100), (40, 130), (100, 110)):
            scene.recorder.add(
                told, start_ns=start_ns, end_ns=end_ns, node="n", act="computing", kind="user_compute", flops=7
            )

    scene.clock.at(40, begin)
    scene.clock.run(scene.clock.at(100, lambda: scene.recorder.cut_short(told)))
    found = [(a.start_ns, a.end_ns, a.user, a.flops) for a in scene.recorder.activities]
    assert found == [(0, 100, 3, 7), (40, 100, 3, 7), (100, 110, NOBODY, 7), (100, 130, NOBODY, 0)]
    scene.recorder.cut_short(told)
    assert len(scene.recorder.activities) == len(found), "once"


def test_what_lies_in_full_pages_of_the_record_can_be_cut_short_too() -> None:
    scene = Scene()
    told = Story(user=3, may_be_cut=True)
    scene.recorder.add(told, start_ns=0, end_ns=9000, node="n", act="computing", kind="user_compute", flops=7)
    for number in range(3000):
        scene.recorder.waited(number, number + 1, "m", "why", Story(user=1))
    scene.clock.run(scene.clock.at(4000, lambda: scene.recorder.cut_short(told)))
    first, *_, last = scene.recorder.activities
    assert (first.end_ns, first.user, first.flops, first.reason) == (4000, 3, 7, "")
    assert (last.start_ns, last.end_ns, last.user, last.flops, last.node) == (4000, 9000, NOBODY, 0, "n")
    assert len(scene.recorder.activities) == 3002


def test_what_befalls_a_user_has_a_row_however_short_it_was() -> None:
    scene = Scene()
    scene.recorder.round = 4
    scene.recorder.happened(5, 5, "user1", "deadline", "left out of the round")
    (row,) = scene.recorder.activities
    assert (row.act, row.kind, row.user, row.round, row.reason) == (
        "happening", "deadline", NOBODY, 4, "left out of the round",
    )  # fmt: skip
    assert not {*HAPPENINGS} & {*KINDS}
