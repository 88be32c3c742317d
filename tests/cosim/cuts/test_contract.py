"""What policies of cut layers owe a scheme, and what each decides for fleets worked by hand."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim import registry
from cosim.cuts.base import CutPolicy, Fleet, Forecast
from cosim.cuts.fixed import Fixed
from cosim.cuts.optimal_delay import OptimalDelay
from cosim.cuts.performance import Performance
from cosim.cuts.performance_and_resource import PerformanceAndResource
from cosim.cuts.resource import Resource
from cosim.cuts.sign import Sign

THREE = Fleet(
    cuts=np.array([2, 2, 2]),
    layers=np.array([1, 2, 3, 4]),
    forecast=Forecast(
        own_s=np.array([[1.0, 2.0, 3.0, 4.0], [4.0, 4.5, 5.0, 5.5], [1.0, 1.0, 1.0, 1.0]]),  # fast, slow, and
        server_s=np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [8.0, 6.0, 4.0, 2.0]]),  # of a slow server
        servers=np.array([0, 0, 1]),
        processors=np.array([2, 1]),
    ),
    measured_s=np.array([2.0, 4.5, 7.0]),
    scores=np.array([0.375, 0.25, 0.125]),
)


def decided(policy: CutPolicy, **known: Any) -> list[int]:
    return policy.cuts(replace(THREE, **known)).tolist()


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    clients, layers = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Fleet(
        cuts=numbers.integers(1, layers + 1, clients),
        layers=np.arange(1, layers + 1),
        forecast=Forecast(
            own_s=numbers.exponential(size=(clients, layers)),
            server_s=numbers.exponential(size=(clients, layers)),
            servers=numbers.integers(0, 2, clients),
            processors=numbers.integers(1, 3, 2),
        ),
        measured_s=numbers.exponential(size=clients),
        scores=numbers.uniform(-1.0, 1.0, clients),
    )


@pytest.mark.parametrize("name", registry.FAMILIES["cuts"])
@given(fleet=fleets())
def test_every_policy_says_a_whole_number_of_layers_for_each_client_and_changes_nothing(
    name: str, fleet: Fleet
) -> None:
    before, policy = fleet.cuts.copy(), registry.find("cuts", name)()
    assert isinstance(policy.scored, bool) and isinstance(policy.timed, bool)
    known: dict[str, Any] = {} if policy.scored else {"scores": None}
    known |= {} if policy.timed else {"forecast": None}
    for _ in range(2):
        wanted = policy.cuts(replace(fleet, **known))
        assert wanted.shape == fleet.cuts.shape and np.issubdtype(wanted.dtype, np.integer)
    assert (fleet.cuts == before).all()


def test_each_decides_as_it_says() -> None:
    assert decided(Fixed()) == [2, 2, 2]
    assert decided(OptimalDelay()) == [1, 1, 4]
    assert decided(Resource()) == [4, 2, 3]  # nearest to the median of 2, 4.5 and 7 s; of 4 and 5 s the shallow one
    assert decided(Sign()) == [3, 2, 1]
    assert decided(Sign(margin=0.6)) == [2, 2, 2]
    assert decided(Performance(gamma=1.0)) == [3, 2, 1]  # weights 1.5, 1 and 0.5
    assert decided(Performance(gamma=4.0)) == [6, 2, 1]  # no more than three times, no less than half


@given(fleet=fleets())
def test_no_other_cuts_make_the_round_shorter(fleet: Fleet) -> None:
    """Of up to six clients and three layers, all cuts there are."""
    few = replace(fleet.expected, own_s=fleet.expected.own_s[:, :3], server_s=fleet.expected.server_s[:, :3])
    found = OptimalDelay().cuts(replace(fleet, layers=fleet.layers[:3], forecast=few)) - 1

    def round_s(places: tuple[int, ...]) -> float:
        busy_s = [0.0, 0.0]
        for client, place in enumerate(places):
            server = few.servers[client]
            busy_s[server] += few.server_s[client, place] / few.processors[server]
        return float(max(*busy_s, *(few.alone_s[client, place] for client, place in enumerate(places))))

    shortest = min(map(round_s, product(range(few.own_s.shape[1]), repeat=len(found))))
    assert round_s(tuple(found)) == pytest.approx(shortest, rel=1e-12)  # sums in another order


def test_clients_are_as_fast_as_the_servers_time_allows() -> None:
    """The first client takes 5 s wherever it cuts. In as long the server has room for the second client's fastest cut,
    and once it is asked for 3 s by another, that one's next."""
    own_s, server_s = np.array([[5.0, 5.0], [0.5, 3.0]]), np.array([[0.0, 0.0], [2.0, 1.0]])
    one_server = Forecast(own_s=own_s, server_s=server_s, servers=np.array([0, 0]), processors=np.array([1]))
    fleet = replace(THREE, cuts=np.array([1, 1]), layers=np.array([1, 2]), forecast=one_server)
    assert OptimalDelay().cuts(fleet).tolist() == [1, 1]
    busy = replace(one_server, own_s=np.array([[1.0, 1.0], [0.5, 3.0]]), server_s=np.array([[4.0, 4.0], [2.0, 1.0]]))
    assert OptimalDelay().cuts(replace(fleet, forecast=busy)).tolist() == [1, 2]


def test_who_shares_a_processor_waits_for_the_others() -> None:
    """Three clients of a server with two processors wait half a turn for each of their own; a fourth has its own."""
    turns = np.array([[2.0], [4.0], [6.0], [8.0]])
    forecast = Forecast(
        own_s=np.ones((4, 1)), server_s=turns, servers=np.array([0, 0, 0, 1]), processors=np.array([2, 1])
    )
    assert forecast.times_s[:, 0].tolist() == [4.0, 7.0, 10.0, 9.0]
    assert forecast.busy_s(np.zeros(4, dtype=np.int64)).tolist() == [6.0, 8.0]


def test_weights_of_performance_add_up_over_looks_from_the_first_cut() -> None:
    policy = Performance(gamma=0.5)
    assert decided(policy) == [2, 2, 2]  # weights 1.25, 1 and 0.75 round to 2, 2 and 2
    assert decided(policy, cuts=np.array([9, 9, 9])) == [3, 2, 1]  # 1.5, 1 and 0.5 of 2


def test_time_limits_how_deep_performance_may_go() -> None:
    """Within 20 % of the median of 4.5 s: all of the fast client's, three of the slow, the last of the third."""
    assert decided(PerformanceAndResource(gamma=4.0)) == [4, 2, 1]
    assert decided(PerformanceAndResource(gamma=0.0, slack=0.0), cuts=np.array([4, 4, 2])) == [4, 4, 2]
