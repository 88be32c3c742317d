"""How fast users, edge servers and the cloud are: which keys go together, and what they are when nothing is said."""

from typing import Any

import pytest
from pydantic import ValidationError

from cosim.scenario import Scenario

CAPACITIES = {"file": "phones.csv", "column": "ms"}


def scenario(**sections: Any) -> Scenario:
    computes = {name: {"compute": compute} for name, compute in sections.items()}
    return Scenario.model_validate({"name": "small", "scheme": {"name": "federated"}, **computes})


def test_by_default_users_differ_in_speed_and_nothing_comes_from_a_file() -> None:
    users = scenario().users.compute
    assert (users.speed, users.spread, users.profile, users.factor, users.capacities) == (20e9, 0.5, None, 1.0, None)


def test_a_profile_takes_the_place_of_the_speed_and_of_the_default_spread() -> None:
    measured = {"profile": "phone.csv", "factor": 2}
    given = scenario(users=measured, edges=measured, cloud=measured)
    assert [each.compute.speed for each in (given.users, given.edges, given.cloud)] == [None] * 3
    assert given.users.compute.spread == 0.0
    assert scenario(users={**measured, "spread": 0.2}).users.compute.spread == 0.2


def test_capacities_take_the_place_of_the_spread_and_leave_speed_or_profile_to_the_median_device() -> None:
    users = scenario(users={"capacities": CAPACITIES, "speed": "10 GFLOP/s"}).users.compute
    assert (users.speed, users.spread, users.profile) == (10e9, 0.0, None)
    users = scenario(users={"capacities": CAPACITIES, "profile": "phone.csv"}).users.compute
    assert (users.speed, users.spread, users.profile) == (None, 0.0, "phone.csv")


@pytest.mark.parametrize(
    "compute",
    [
        {"profile": "phone.csv", "factor": 2.0},
        {"profile": "phone.csv", "spread": 0.3},
        {"capacities": {**CAPACITIES, "column_is": "rate", "weight_column": "n", "where": {"tier": "low"}}},
        {"capacities": None, "profile": None, "speed": "1 GFLOP/s"},
    ],
)
def test_what_is_written_reads_back_as_the_same(compute: dict[str, Any]) -> None:
    given = scenario(users=compute, edges=compute)
    assert Scenario.model_validate(given.model_dump(mode="json")) == given


@pytest.mark.parametrize(
    ("role", "compute", "named"),
    [
        ("users", {"speed": "1 GFLOP/s", "profile": "phone.csv"}, "either speed or profile"),
        ("cloud", {"speed": None}, "either speed or profile"),
        ("edges", {"profile": "phone.csv", "utilisation": 0.5}, "utilisation goes with speed"),
        ("cloud", {"factor": 2.0}, "factor goes with profile"),
        ("users", {"capacities": CAPACITIES, "spread": 0.5}, "either spread or capacities"),
        ("cloud", {"capacities": CAPACITIES}, "Extra inputs"),
        ("cloud", {"profile": "phone.csv", "factor": 0}, "greater than 0"),
        ("users", {"capacities": {"file": "phones.csv"}}, "Field required"),
        ("users", {"capacities": {**CAPACITIES, "column_is": "speed"}}, "'time' or 'rate'"),
        ("users", {"capacities": {**CAPACITIES, "where": {"tier": 3}}}, "valid string"),
    ],
)
def test_keys_that_do_not_go_together_are_refused_in_one_line(role: str, compute: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        scenario(**{role: compute})
    (problem,) = refusal.value.errors()
    assert named in problem["msg"]
    assert problem["loc"][:2] == (role, "compute")


@pytest.mark.parametrize("role", ["users", "edges"])
def test_memory_is_said_once(role: str) -> None:
    compute = {"capacities": {**CAPACITIES, "memory_column": "ram"}}
    tree = {"name": "small", "scheme": {"name": "federated"}, role: {"compute": compute}}
    assert Scenario.model_validate(tree).limits_memory
    tree[role] = {"compute": compute, "memory": "4 GB"}
    with pytest.raises(ValidationError, match=r"either memory or capacities\.memory_column"):
        Scenario.model_validate(tree)


@pytest.mark.parametrize(
    "sections", [{"users": {"memory": "4 GB"}}, {"edges": {"memory": ["4 GB"]}}, {"cloud": {"memory": "4 GB"}}]
)
def test_memory_of_any_node_is_a_limit_and_is_written_as_it_reads(sections: dict[str, Any]) -> None:
    given = Scenario.model_validate({"name": "small", "scheme": {"name": "federated"}, **sections})
    assert given.limits_memory
    assert Scenario.model_validate(given.model_dump(mode="json")) == given
    assert not scenario().limits_memory


@pytest.mark.parametrize("memory", [4, "4", ["4 GB", 4], "0 GB", {"size": "4 GB"}])
def test_memory_has_a_unit(memory: Any) -> None:
    with pytest.raises(ValidationError, match=r"a memory size needs a number and a unit|greater than 0"):
        Scenario.model_validate({"name": "small", "scheme": {"name": "federated"}, "users": {"memory": memory}})
