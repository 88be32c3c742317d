"""Messages followed from their first bit to the activity that waited for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.load import load
from analysis.trace.flows import flows
from analysis.trace.tracks import placed

Record = Callable[..., Path]


def carried(start_s: float, end_s: float, node: str, kind: str, user: int = 0, reason: str = "") -> dict[str, Any]:
    span = {"start_s": start_s, "end_s": end_s, "node": node, "kind": kind, "user": user, "reason": reason}
    return span | {"act": "transmitting", "bytes": 8}


def computed(start_s: float, node: str, user: int = 0) -> dict[str, Any]:
    kind = f"{node.rstrip('0123456789')}_compute"
    return {"start_s": start_s, "end_s": start_s + 1, "node": node, "kind": kind, "user": user}


def found(folder: Path) -> list[str]:
    """The flows as text: starts of the hops, and of the use."""
    table = placed(load(folder)[0].events)
    start = table["start_s"]
    return [" ".join(f"{start[hop]:g}" for hop in (*flow.hops, flow.use)) for flow in flows(table)]


def test_activations_go_to_the_server_and_gradients_come_home(record: Record) -> None:
    step = (
        computed(0, "user0"),
        carried(1, 2, "user0", "uplink"),
        computed(2, "edge0"),
        carried(3, 4, "edge0", "downlink"),
        computed(4, "user0"),
    )
    assert found(record(*step)) == ["1 2", "3 4"]


def test_a_message_of_several_hops_is_one_flow(record: Record) -> None:
    hops = (carried(0, 1, "user0", "uplink"), carried(1, 2, "edge0", "backhaul"), carried(3, 4, "cloud", "backhaul"))
    assert found(record(*hops, carried(4, 5, "edge1", "downlink"), computed(5, "user0"))) == ["0 1 3 4 5"]


def test_the_average_uses_what_users_have_sent(record: Record) -> None:
    uploads = [
        hop
        for user in (0, 1)
        for hop in (
            carried(user, user + 1, f"user{user}", "uplink", user),
            carried(user + 1, user + 2, "edge0", "backhaul", user),
        )
    ]
    assert found(record(*uploads, computed(9, "cloud", user=-1), computed(12, "cloud", user=-1))) == ["0 1 9", "1 2 9"]


def test_others_do_not_use_it(record: Record) -> None:
    assert found(record(carried(0, 1, "user0", "uplink"), computed(1, "edge0", user=1), computed(2, "user0"))) == []


def test_what_servers_send_beside_goes_to_the_average(record: Record) -> None:
    reports = (carried(0, 2, "edge0", "backhaul", -2), carried(1, 3, "edge1", "backhaul", -2))
    assert found(record(*reports, computed(4, "cloud", -1), carried(0, 1, "cloud", "backhaul", -2))) == ["0 4", "1 4"]


def test_a_transfer_cut_off_goes_on_with_the_next(record: Record) -> None:
    cut = carried(0, 1, "user0", "uplink", reason="cut off: handover")
    assert found(record(cut, carried(2, 3, "user0", "uplink"), computed(3, "edge0"))) == ["0 2 3"]


def test_nobody_uses_what_a_deadline_has_cut_off(record: Record) -> None:
    late = {"start_s": 2.0, "end_s": 2.0, "node": "user0", "act": "happening", "kind": "deadline", "user": -2}
    hops = (carried(0, 1, "user0", "uplink"), carried(1, 2, "edge0", "backhaul"))
    average = computed(2, "cloud", user=-1)
    assert found(record(*hops, average)) == ["0 1 2"]
    assert found(record(*hops, average, late, folder="late")) == []


def test_an_upload_and_the_next_download_are_two_messages(record: Record) -> None:
    up = (carried(0, 1, "user0", "uplink"), carried(1, 2, "edge0", "backhaul"), computed(2, "cloud", user=-1))
    down = (carried(3, 4, "cloud", "backhaul"), carried(4, 5, "edge0", "downlink"), computed(5, "user0"))
    assert found(record(*up, *down)) == ["0 1 2", "3 4 5"]
