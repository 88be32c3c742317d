"""Nodes in the order in which people count them, and by the names people give them."""

from analysis.nodes import ROLES, cloud_first, node_name, role_of, user_node, users_first

NAMES = ["relay", "user10", "user9", "edge0", "cloud", "edge10", "edge9"]


def test_nodes_are_in_the_order_people_count() -> None:
    expected = ["cloud", "edge0", "edge9", "edge10", "user9", "user10", "relay"]
    assert sorted(NAMES, key=cloud_first) == expected


def test_users_can_come_first() -> None:
    expected = ["user9", "user10", "edge0", "edge9", "edge10", "cloud", "relay"]
    assert sorted(NAMES, key=users_first) == expected


def test_nodes_are_named_as_people_write_them() -> None:
    assert [node_name(node) for node in ("user12", "edge0", "cloud")] == ["user 12", "edge server 0", "cloud"]


def test_a_name_begins_with_the_role() -> None:
    assert [role_of(node) for node in (user_node(12), "edge0.uplink", "cloud", "relay7")] == [*ROLES, "relay"]
