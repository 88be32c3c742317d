from dataclasses import replace
from typing import Any

import pytest

from cosim.clock import Clock
from cosim.recorder import EVERYBODY, KINDS, Activity, Recorder, Story


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
    assert len(payloads) == 5
    assert replace(activity, **{name: 10**i for i, name in enumerate(payloads)}).bytes == 11111


def test_every_kind_of_delay_is_named_once() -> None:
    assert len(set(KINDS)) == len(KINDS) == 7
