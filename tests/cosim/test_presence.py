"""What stands in the way of messages while something is off or down, and runs in which nothing more can happen."""

from typing import Any

import pytest

from channel_models.availability import MarkovOnOff
from channel_models.randomness import Stream
from cosim.presence import come_and_go
from cosim.stuck import Stuck

US = 1000


def test_nothing_goes_through_an_edge_server_that_is_down(tiny: Any) -> None:
    tiny.edges[0].go_down(2000 * US)
    tiny.run(
        tiny.network.send(tiny.users[0], tiny.edges[0], [tiny.payload(1000)]),
        tiny.network.send(tiny.cloud, tiny.edges[0], [tiny.payload(100)]),
        tiny.network.send(tiny.edges[1], tiny.cloud, [tiny.payload(100)]),
    )
    assert tiny.lines() == [
        "0..10 edge1 transmitting backhaul 100",
        "10..5010 edge1 propagating backhaul 0",
        "0..2000 user0 waiting edge server down 0",
        "0..2000 cloud waiting edge server down 0",
        "2000..2010 cloud transmitting backhaul 100",
        "2010..7010 cloud propagating backhaul 0",
        "2000..3000 user0 transmitting uplink 1000",
    ]


def test_who_is_handed_over_leaves_the_crash_of_its_edge_server_behind(tiny: Any) -> None:
    link = tiny.users[0].link
    link.may_change = True
    link.block("edge server down", None)
    tiny.clock.at(300 * US, lambda: link.hand_over(tiny.edges[1], "handover", 350 * US))
    tiny.recorder.story.ends = True  # else it would be an error that it is down for ever
    tiny.run(tiny.network.send(tiny.users[0], tiny.edges[1], [tiny.payload(1000)]))
    assert tiny.lines() == [
        "0..300 user0 waiting edge server down 0",
        "300..350 user0 waiting handover 0",
        "350..1350 user0 transmitting uplink 1000",
    ]


def test_a_device_that_goes_off_ends_what_its_user_does(tiny: Any) -> None:
    user, availability = tiny.users[0], MarkovOnOff(stream=Stream(3, "dropout"), mean_on_s=0.001, mean_off_s=0.001)
    causes = []

    def story() -> Any:
        try:
            yield tiny.clock.at(10**12)
        except Exception as stop:  # as SimPy interrupts
            causes.append((tiny.clock.now_ns, stop.cause))  # type: ignore[attr-defined]

    user.acting = tiny.clock.process(story())
    user.acting.story = tiny.recorder.story
    tiny.clock.process(come_and_go(user, availability, "dropout"))
    tiny.clock.env.run(until=20_000 * US)
    off = [a.start_ns for a in tiny.recorder.activities if a.kind == "dropout"]
    assert causes == [(off[0], "device off")]


def test_stories_that_wait_for_each_other_while_the_world_goes_on_are_named(tiny: Any) -> None:
    def story(name: str) -> Any:
        yield from tiny.recorder.waiting(tiny.clock.event(), name, "the other one")

    availability = MarkovOnOff(stream=Stream(0, "outage"), mean_on_s=0.01, mean_off_s=0.01)
    with pytest.raises(Stuck, match=r"^from [\d.e-]+ s on all wait for each other$"):
        tiny.run(come_and_go(tiny.users[2], availability, "outage"), story("user0"), story("user1"))
    assert tiny.recorder.who_waits() == "user0 waits: the other one; user1 waits: the other one"


def test_a_run_in_which_nothing_more_happens_is_stuck(tiny: Any) -> None:
    with pytest.raises(Stuck, match=r"^from 0\.003 s on nothing more happens$"):
        tiny.clock.at(3000 * US)
        tiny.clock.run(tiny.clock.event())
