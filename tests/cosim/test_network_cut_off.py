"""Transfers that a handover, an outage or a deadline cuts off; a byte a microsecond by radio, ten by wire."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_models.transfer import TransferNeverFinishes
from cosim.recorder import NOBODY, Story

US = 1000


def changing(tiny: Any, *, resumes: bool = True) -> Any:
    tiny.network.resumes = resumes
    for user in tiny.users:
        user.link.may_change = True
    return tiny


def at(tiny: Any, instant_us: int, act: Any) -> None:
    tiny.clock.at(instant_us * US, act)


def handed_over(tiny: Any, user: int, edge: int, at_us: int, interruption_us: int = 50) -> None:
    until_ns = (at_us + interruption_us) * US
    at(tiny, at_us, lambda: tiny.users[user].link.hand_over(tiny.edges[edge], "handover", until_ns))


def outage(tiny: Any, user: int, from_us: int, until_us: int) -> None:
    at(tiny, from_us, lambda: tiny.users[user].link.block("link broken", until_us * US))


def test_a_transfer_resumes_at_the_new_edge_server_and_its_rest_goes_home_by_the_backhaul(tiny: Any) -> None:
    handed_over(changing(tiny), 0, 1, at_us=400)
    tiny.run(tiny.network.send(tiny.users[0], tiny.edges[0], [tiny.payload(1000)]))
    assert tiny.lines() == [
        "0..400 user0 transmitting cut off: handover 400",
        "400..450 user0 waiting handover 0",
        "450..1050 user0 transmitting uplink 600",
        "1050..1110 edge1 transmitting backhaul 600",
        "1110..6110 edge1 propagating backhaul 0",
        "6110..6170 cloud transmitting backhaul 600",
        "6170..11170 cloud propagating backhaul 0",
    ]


def test_a_transfer_that_restarts_sends_everything_again(tiny: Any) -> None:
    handed_over(changing(tiny, resumes=False), 0, 1, at_us=400)
    tiny.run(tiny.network.send(tiny.users[0], tiny.cloud, [tiny.payload(1000)]))
    assert tiny.lines() == [
        "0..400 user0 transmitting cut off: handover 400",
        "400..450 user0 waiting handover 0",
        "450..1450 user0 transmitting uplink 1000",
        "1450..1550 edge1 transmitting backhaul 1000",
        "1550..6550 edge1 propagating backhaul 0",
    ]


def test_what_the_old_edge_server_has_goes_on_beside_the_story(tiny: Any) -> None:
    handed_over(changing(tiny), 0, 1, at_us=400)
    tiny.run(tiny.network.send(tiny.users[0], tiny.cloud, [tiny.payload(1000)]))
    beside = [a for a in tiny.recorder.activities if a.user == NOBODY]
    assert [(a.start_ns // US, a.end_ns // US, a.node, a.bytes) for a in beside] == [
        (400, 440, "edge0", 400),
        (440, 5440, "edge0", 0),
    ]
    assert max(a.end_ns for a in tiny.recorder.activities) == (1050 + 60 + 5000) * US


def test_a_late_part_is_waited_for(tiny: Any) -> None:
    handed_over(changing(tiny), 0, 1, at_us=900)
    other = tiny.network.send(tiny.edges[0], tiny.cloud, [tiny.payload(100_000)])  # keeps that wire for 10 ms
    tiny.run(other, tiny.network.send(tiny.users[0], tiny.cloud, [tiny.payload(1000)]))
    assert "6060..15090 cloud waiting the part by another edge server 0" in tiny.lines()


def test_a_message_to_a_user_who_left_follows_it_by_the_backhaul(tiny: Any) -> None:
    handed_over(changing(tiny), 0, 1, at_us=400)
    tiny.run(tiny.network.send(tiny.edges[0], tiny.users[0], [tiny.payload(1000)]))
    assert tiny.lines() == [
        "0..400 edge0 transmitting cut off: handover 400",
        "400..460 edge0 transmitting backhaul 600",
        "460..5460 edge0 propagating backhaul 0",
        "5460..5520 cloud transmitting backhaul 600",
        "5520..10520 cloud propagating backhaul 0",
        "10520..11120 edge1 transmitting downlink 600",
    ]


def test_a_message_on_its_way_to_an_edge_server_that_the_user_leaves_takes_the_other(tiny: Any) -> None:
    handed_over(changing(tiny), 0, 1, at_us=2000)
    tiny.run(tiny.network.send(tiny.cloud, tiny.users[0], [tiny.payload(1000)]))
    assert [line.split()[1:3] for line in tiny.lines() if line.endswith("1000")] == [
        ["cloud", "transmitting"],
        ["edge0", "transmitting"],
        ["cloud", "transmitting"],
        ["edge1", "transmitting"],
    ]


@pytest.mark.parametrize("length_us", [0, 1, 50, 12345])
def test_an_interruption_adds_exactly_its_own_length(make_tiny: Any, length_us: int) -> None:
    tiny = changing(make_tiny())
    outage(tiny, 0, 300, 300 + length_us)
    tiny.run(tiny.network.send(tiny.users[0], tiny.edges[0], [tiny.payload(1000)]))
    assert tiny.recorder.activities[-1].end_ns == (1000 + length_us) * US
    assert sum(a.bytes for a in tiny.recorder.activities) == 1000


def test_a_transfer_of_others_gains_the_band_of_one_that_is_cut_off(tiny: Any) -> None:
    """Two share the band for 400 us, 200 bytes each; then user 2 has it alone for its other 800."""
    outage(changing(tiny), 0, 400, 5000)
    tiny.run(*(tiny.network.send(tiny.edges[0], tiny.users[user], [tiny.payload(1000)]) for user in (0, 2)))
    assert tiny.lines() == [
        "0..400 edge0 transmitting cut off: link broken 200",
        "0..1200 edge0 transmitting downlink 1000",
        "400..5000 edge0 waiting link broken 0",
        "5000..5800 edge0 transmitting downlink 800",
    ]


def test_a_part_carries_the_bytes_of_the_payloads_it_has(tiny: Any) -> None:
    outage(changing(tiny), 0, 400, 500)
    refs = [tiny.payload(300), tiny.payload(200, "label"), tiny.payload(500, "adapter")]
    tiny.run(tiny.network.send(tiny.users[0], tiny.edges[0], refs))
    parts = [(a.activation_bytes, a.label_bytes, a.adapter_bytes) for a in tiny.recorder.activities if a.bytes]
    assert parts == [(300, 100, 0), (0, 100, 500)]


def test_energy_is_spent_by_what_is_sent_and_not_while_waiting(tiny: Any) -> None:
    outage(changing(tiny), 0, 250_000, 900_000)
    tiny.run(tiny.network.send(tiny.users[0], tiny.edges[0], [tiny.payload(1_000_000)]))
    spent_j = [a.energy_j for a in tiny.recorder.activities]
    assert spent_j == pytest.approx([0.05, 0.0, 0.15])  # 0.2 W for a second in all


def test_a_story_that_is_cut_short_stops_at_that_nanosecond_and_leaves_nothing_behind(tiny: Any) -> None:
    user, edge, message = tiny.users[0], tiny.edges[0], tiny.payload(1000)
    edge.receive(message)

    def story():
        yield from tiny.network.send(edge, user, [message])

    process = tiny.clock.process(story())
    process.defused = True
    tiny.recorder.tell(process, Story(0, 1, may_be_cut=True))
    tiny.clock.at(123_457, lambda: process.interrupt("deadline"))
    tiny.run(tiny.network.send(edge, tiny.users[2], [tiny.payload(1000)]))
    cut_off, other = tiny.recorder.activities
    assert (cut_off.start_ns, cut_off.end_ns, cut_off.reason) == (0, 123_457, "cut off: deadline")
    assert cut_off.bytes == 61  # half the band; whole bytes
    assert other.end_ns == 1_000_000 + 61_729  # what it lost to the other, whose last bit falls between two ticks
    assert [node.memory.left()["buffers"] for node in (user, edge)] == [0, 0]


def test_a_user_who_is_never_reached_again_is_an_error_in_one_line(tiny: Any) -> None:
    changing(tiny).users[0].link.block("user away", None)
    with pytest.raises(TransferNeverFinishes, match=r"from 0 s on user0 is never reached again \(user away\)"):
        tiny.run(tiny.network.send(tiny.users[0], tiny.edges[0], [tiny.payload(1)]))


CHANGES = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from(["to edge0", "to edge1", "outage"]), st.integers(0, 400)),
    max_size=8,
)


@settings(max_examples=60)
@given(changes=CHANGES, nbytes=st.integers(1, 2000), to_user=st.booleans(), other=st.integers(0, 3000))
def test_whatever_is_cut_off_every_byte_arrives_once_by_the_edge_server_of_the_time(
    make_tiny: Any, changes: list[Any], nbytes: int, to_user: bool, other: int
) -> None:
    """Sent is received, to the byte: by radio once, and over each edge server's wire what that edge server took in."""
    tiny = changing(make_tiny())
    user, cloud, served = tiny.users[0], tiny.cloud, {0: 0}
    for at_us, what, length_us in sorted(changes):
        if what == "outage":
            outage(tiny, 0, at_us, at_us + length_us)
        else:
            served[at_us * US] = int(what[-1])
            handed_over(tiny, 0, int(what[-1]), at_us, length_us)
    ends = (cloud, user) if to_user else (user, cloud)
    tiny.run(
        tiny.network.send(*ends, [tiny.payload(nbytes)]),
        tiny.network.send(tiny.users[2], tiny.edges[0], [tiny.payload(other)]),
    )
    by_radio, by_wire = Counter[str](), Counter[str]()
    for a in tiny.recorder.activities:
        if a.kind in ("uplink", "downlink") and a.node != "user2":
            edge = served[max(since for since in served if since <= a.start_ns)]
            by_radio[f"edge{edge}"] += a.bytes
        elif a.kind == "backhaul":
            by_wire[a.node] += a.bytes
    assert by_radio.total() == nbytes
    assert [node.memory.left()["buffers"] for node in ends] == [0, nbytes]
    if not to_user:
        assert +by_wire == +by_radio
