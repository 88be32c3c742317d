"""What holds for every pairing policy: nobody twice in a round, nobody left out for good, the same pairs again."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from channel_models.randomness import Stream
from cosim import registry
from cosim.pairing.base import Pairing
from cosim.pairing.round_robin import RoundRobin

WORLDS = [(1, 1), (5, 1), (5, 2), (6, 3), (4, 4), (10, 3)]


def world(users: int, edges: int) -> tuple[list[Any], list[Any]]:
    """Users and edge servers; user i is served by edge server i modulo their number."""
    servers = [SimpleNamespace(index=index) for index in range(edges)]
    return [
        SimpleNamespace(index=index, link=SimpleNamespace(serving=servers[index % edges])) for index in range(users)
    ], servers


@pytest.fixture(params=registry.FAMILIES["pairing"])
def policy(request: pytest.FixtureRequest) -> Any:
    return lambda seed: registry.find("pairing", request.param)(stream=Stream(seed, "pairing"))


def schedule(pairing: Pairing, users: list[Any], edges: list[Any], rounds: int) -> list[list[tuple[int, int]]]:
    numbers = range(1, rounds + 1)
    return [[(user.index, edge.index) for user, edge in pairing.pairs(n, users, edges)] for n in numbers]


@pytest.mark.parametrize(("count", "servers"), WORLDS)
def test_every_round_gives_each_edge_server_one_user_of_its_own(policy: Any, count: int, servers: int) -> None:
    for pairs in schedule(policy(0), *world(count, servers), 12):
        assert [edge for _, edge in pairs] == list(range(servers))
        assert len({user for user, _ in pairs}) == servers


@pytest.mark.parametrize(("count", "servers"), WORLDS)
def test_nobody_is_chosen_twice_more_than_another_of_those_that_might_have_been(
    policy: Any, count: int, servers: int
) -> None:
    """Those served by one edge server at least, whatever the policy: at all times, and all of them in the end."""
    visits: Counter[int] = Counter()
    for pairs in schedule(policy(0), *world(count, servers), 4 * count):
        visits.update(user for user, _ in pairs)
        for edge in range(servers):
            alike = [visits[user] for user in range(edge, count, servers)]
            assert max(alike) - min(alike) <= 1
    assert min(visits[user] for user in range(count)) > 0


def test_a_seed_has_one_schedule(policy: Any) -> None:
    one, again, other = (schedule(policy(seed), *world(9, 2), 6) for seed in (0, 0, 1))
    assert one == again != other


@pytest.mark.parametrize(("count", "servers"), WORLDS)
def test_the_round_robin_visits_every_user_equally_often(count: int, servers: int) -> None:
    rounds = schedule(RoundRobin(stream=Stream(3, "pairing")), *world(count, servers), 2 * count)
    assert Counter(user for pairs in rounds for user, _ in pairs) == dict.fromkeys(range(count), 2 * servers)


def test_by_attachment_users_train_where_they_are_served_and_an_edge_server_may_rest() -> None:
    attachment = registry.find("pairing", "attachment")(stream=Stream(0, "pairing"))
    users, edges = world(6, 3)
    assert all(user % 3 == edge for pairs in schedule(attachment, users, edges, 6) for user, edge in pairs)
    for user in users:
        user.link.serving = edges[2] if user.index % 3 == 1 else user.link.serving  # they have walked away
    assert [edge.index for _, edge in attachment.pairs(7, users, edges)] == [0, 2]
