from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.cells.instant import InstantCell
from cosim.network import Wire

LINKS = {("user", "edge"): "uplink", ("edge", "user"): "downlink"}  # all other hops are wires
KINDS = ("activation", "gradient", "adapter", "label", "model")
SECOND = 1_000_000_000

MESSAGES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 9999)))),
    max_size=6,
)


def names(nodes: list[Any]) -> str:
    return " ".join(node.name for node in nodes)


def test_messages_take_the_tree_of_users_edge_servers_and_cloud(tiny: Any) -> None:
    (user0, user1, user2), (edge0, edge1), route = tiny.users, tiny.edges, tiny.network.route
    assert names(route(user0, edge0)) == "user0 edge0"
    assert names(route(edge0, user2)) == "edge0 user2"
    assert names(route(user1, tiny.cloud)) == "user1 edge1 cloud"
    assert names(route(tiny.cloud, user2)) == "cloud edge0 user2"
    assert names(route(edge0, tiny.cloud)) == "edge0 cloud"
    assert names(route(tiny.cloud, edge1)) == "cloud edge1"
    assert names(route(edge0, edge1)) == "edge0 cloud edge1"
    assert names(route(user0, user2)) == "user0 edge0 user2"  # both under edge server 0
    assert names(route(user0, user1)) == "user0 edge0 cloud edge1 user1"
    assert names(route(edge1, user0)) == "edge1 cloud edge0 user0"
    assert all(names(route(node, node)) == node.name for node in tiny.nodes)


def test_a_message_is_stored_and_forwarded_and_each_hop_recorded(tiny: Any) -> None:
    tiny.run(tiny.network.send(tiny.users[0], tiny.users[1], [tiny.payload(1000)]))
    assert tiny.lines() == [
        "0..1000 user0 transmitting uplink 1000",  # a byte a microsecond
        "1000..1100 edge0 transmitting backhaul 1000",  # ten bytes a microsecond
        "1100..6100 edge0 propagating backhaul 0",  # 5 ms
        "6100..6200 cloud transmitting backhaul 1000",
        "6200..11200 cloud propagating backhaul 0",
        "11200..12200 edge1 transmitting downlink 1000",
    ]


def test_payloads_that_travel_together_are_one_message_with_bytes_by_kind(tiny: Any) -> None:
    refs = [tiny.payload(700), tiny.payload(20, "label"), tiny.payload(80, "label")]
    tiny.run(tiny.network.send(tiny.users[0], tiny.edges[0], refs))
    (hop,) = tiny.recorder.activities
    assert (hop.start_ns, hop.end_ns, hop.activation_bytes, hop.label_bytes) == (0, 800_000, 700, 100)


def test_nothing_is_sent_to_oneself(tiny: Any) -> None:
    tiny.run(*(tiny.network.send(node, node, [tiny.payload(1000)]) for node in tiny.nodes))
    assert tiny.lines() == []
    assert all(node.memory.peaks()["total"] == 0 for node in tiny.nodes)


def test_what_is_no_payload_cannot_be_sent(tiny: Any) -> None:
    with pytest.raises(ValueError, match="'it' is not a payload and cannot be sent"):
        tiny.run(tiny.network.send(tiny.users[0], tiny.edges[0], [tiny.payload(10, kind=None)]))


def test_a_wire_sends_one_message_after_another_while_earlier_ones_travel() -> None:
    wire = Wire(rate_bps=8e6, latency_s=2.0)  # a megabyte a second
    assert wire.schedule(0, 1_000_000) == (0, SECOND, 3 * SECOND)
    assert wire.schedule(SECOND // 4, 500_000) == (SECOND, 3 * SECOND // 2, 7 * SECOND // 2)
    assert wire.schedule(9 * SECOND, 0) == (9 * SECOND, 9 * SECOND, 11 * SECOND)


def test_waiting_for_a_busy_wire_is_named_and_other_wires_are_free(tiny: Any) -> None:
    edge0, edge1 = tiny.edges
    pairs = [(edge0, tiny.cloud), (edge0, tiny.cloud), (edge1, tiny.cloud), (tiny.cloud, edge0)]
    tiny.run(*(tiny.network.send(*pair, [tiny.payload(1000)]) for pair in pairs))
    transmissions = [line for line in tiny.lines() if "propagating" not in line]
    assert transmissions == [
        "0..100 edge0 transmitting backhaul 1000",
        "0..100 edge0 waiting backhaul busy 0",
        "100..200 edge0 transmitting backhaul 1000",
        "0..100 edge1 transmitting backhaul 1000",
        "0..100 cloud transmitting backhaul 1000",
    ]


def test_users_under_different_edge_servers_do_not_share_a_band_and_directions_neither(tiny: Any) -> None:
    (user0, user1, _), (edge0, edge1) = tiny.users, tiny.edges
    pairs = [(user0, edge0), (user1, edge1), (edge0, user0), (edge1, user1)]
    tiny.run(*(tiny.network.send(*pair, [tiny.payload(1000)]) for pair in pairs))
    assert {(a.start_ns, a.end_ns) for a in tiny.recorder.activities} == {(0, 1_000_000)}


def test_transmission_costs_the_sender_energy_and_the_wire_none(tiny: Any) -> None:
    tiny.run(tiny.network.send(tiny.users[0], tiny.users[1], [tiny.payload(1_000_000)]))
    energy_j = {a.kind: a.energy_j for a in tiny.recorder.activities}
    assert energy_j == pytest.approx({"uplink": 0.2, "backhaul": 0.0, "downlink": 10.0})  # a second each by radio


def test_a_message_is_buffered_at_the_sender_then_at_each_relay_and_at_last_at_the_receiver(tiny: Any) -> None:
    user, edge, cloud = tiny.users[0], tiny.edges[0], tiny.cloud
    held: list[list[int]] = []

    def look():
        for instant_us in (0, 500, 1050, 7000):
            yield tiny.clock.at(instant_us * 1000)
            held.append([node.memory.left()["buffers"] for node in (user, edge, cloud)])

    tiny.run(tiny.network.send(user, cloud, [tiny.payload(1000)]), look())
    assert [node.memory.peaks()["buffers"] for node in (user, edge, cloud)] == [1000, 1000, 1000]
    assert held[-1] == [0, 0, 1000]


def test_an_adapter_is_sent_from_where_it_is_trained_without_a_buffer(tiny: Any) -> None:
    tiny.run(tiny.network.send(tiny.users[0], tiny.cloud, [tiny.payload(1000, "adapter")]))
    peaks = [node.memory.peaks()["buffers"] for node in (tiny.users[0], tiny.edges[0], tiny.cloud)]
    assert peaks == [0, 1000, 1000]


def test_what_has_arrived_and_is_sent_on_is_buffered_once(tiny: Any) -> None:
    payload = tiny.payload(1000)

    def relay():
        yield from tiny.network.send(tiny.cloud, tiny.edges[0], [payload])
        yield from tiny.network.send(tiny.edges[0], tiny.users[0], [payload])

    tiny.run(relay())
    assert tiny.edges[0].memory.peaks()["buffers"] == 1000
    assert [node.memory.left()["buffers"] for node in (tiny.cloud, tiny.edges[0], tiny.users[0])] == [0, 0, 1000]


@settings(max_examples=40)
@given(messages=MESSAGES)
def test_bytes_sent_are_bytes_received_and_every_hop_carries_them(make_tiny: Any, messages: list[Any]) -> None:
    tiny = make_tiny()
    expected: Counter[tuple[str, str]] = Counter()
    received: Counter[str] = Counter()
    sends = []
    for origin, destination, payloads in messages:
        here, there = tiny.nodes[origin], tiny.nodes[destination]
        sends.append(tiny.network.send(here, there, [tiny.payload(nbytes, kind) for kind, nbytes in payloads]))
        hops = list(pairwise(tiny.network.route(here, there)))
        for kind, nbytes in payloads:
            received[there.name] += nbytes if hops and kind != "model" else 0  # a model goes to storage
            for sender, receiver in hops:
                expected[LINKS.get((sender.role, receiver.role), "backhaul"), f"{kind}_bytes"] += nbytes
    tiny.run(*sends)

    carried: Counter[tuple[str, str]] = Counter()
    for activity in tiny.recorder.activities:
        carried.update({(activity.kind, f"{kind}_bytes"): getattr(activity, f"{kind}_bytes") for kind in KINDS})
    assert +carried == +expected
    assert {node.name: node.memory.left()["buffers"] for node in tiny.nodes} == {
        node.name: received[node.name] for node in tiny.nodes
    }


def test_adapters_go_up_in_the_band_of_the_federated_server_beside_activations(tiny: Any) -> None:
    tiny.network.federated_uplinks = [tiny._cell(1.0, splits_power=False) for _ in tiny.edges]
    user, edge = tiny.users[0], tiny.edges[0]
    tiny.run(
        tiny.network.send(user, edge, [tiny.payload(1000)]),
        tiny.network.send(user, edge, [tiny.payload(500, "adapter")]),
    )
    assert sorted(tiny.lines()) == [
        "0..1000 user0 transmitting uplink 1000",
        "0..500 user0 transmitting uplink 500",  # neither slows the other
    ]


def test_sizes_of_a_paper_stand_in_for_those_of_the_tensors(tiny: Any) -> None:
    tiny.network.sizes = {"activation": 40}
    tiny.run(tiny.network.send(tiny.users[0], tiny.edges[0], [tiny.payload(1000), tiny.payload(20, "label")]))
    (hop,) = tiny.recorder.activities
    assert (hop.end_ns, hop.activation_bytes, hop.label_bytes) == (60_000, 40, 20)


def test_a_neglected_downlink_takes_neither_time_nor_energy(tiny: Any) -> None:
    tiny.network.downlinks = [InstantCell(clock=tiny.clock)] * 2
    tiny.run(tiny.network.send(tiny.edges[0], tiny.users[0], [tiny.payload(1000)]))
    (hop,) = tiny.recorder.activities
    assert (hop.start_ns, hop.end_ns, hop.bytes, hop.energy_j) == (0, 0, 1000, 0.0)
