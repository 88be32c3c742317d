"""Nodes by their names, `user0`, `edge1` or `cloud`: their roles, their order, and what people call them."""

import re
from collections.abc import Sequence

ROLES = ("user", "edge", "cloud")
"""From those who begin a step to those who end it."""

Place = tuple[int, str, int, str]


def user_node(user: int) -> str:
    """The node of a user."""
    return f"user{user}"


def role_of(node: str) -> str:
    """What the name begins with: `edge` of `edge0`."""
    return _parts(node)[0]


def users_first(node: str) -> Place:
    """A key that sorts nodes by `ROLES`, those of a role as people count them: user 9, user 10; other nodes last."""
    return _place(node, ROLES)


def cloud_first(node: str) -> Place:
    """As `users_first`, the roles the other way round."""
    return _place(node, ROLES[::-1])


def node_name(node: str) -> str:
    """A node, or a role, as people write it: `edge0` is edge server 0."""
    return re.sub(r"(\d+)$", r" \1", node).replace("edge", "edge server")


def _place(node: str, roles: Sequence[str]) -> Place:
    role, number = _parts(node)
    return roles.index(role) if role in roles else len(roles), role, number, node


def _parts(node: str) -> tuple[str, int]:
    """Role and number, 0 if it has none."""
    role, number = re.findall(r"(\D*)(\d*)", node)[0]
    return role, int(number or 0)
