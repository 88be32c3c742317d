"""What policies of cut layers owe a scheme, and what each decides for fleets worked by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim import registry
from cosim.cuts.base import CutPolicy, Fleet
from cosim.cuts.fixed import Fixed
from cosim.cuts.forecast import Forecast, Shared
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
        shared=(
            Shared(
                asked_s=np.array(
                    [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [8.0, 6.0, 4.0, 2.0]]
                ),  # of a slow server
                groups=np.array([0, 0, 1]),
                at_once=np.array([2, 1]),
            ),
        ),
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
            shared=tuple(
                Shared(
                    asked_s=numbers.exponential(size=(clients, layers)),
                    groups=numbers.integers(0, 2, clients),
                    at_once=numbers.integers(1, 3, 2),
                )
                for _ in range(2)
            ),
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
    assert decided(OptimalDelay()) == [1, 1, 4]  # the second takes 4 s at least, and nobody has anything to gain
    assert decided(Resource()) == [4, 2, 3]  # nearest to the median of 2, 4.5 and 7 s; of 4 and 5 s the shallow one
    assert decided(Sign()) == [3, 2, 1]
    assert decided(Sign(margin=0.6)) == [2, 2, 2]
    assert decided(Performance(gamma=1.0)) == [3, 2, 1]  # weights 1.5, 1 and 0.5
    assert decided(Performance(gamma=4.0)) == [6, 2, 1]  # no more than three times, no less than half


@given(fleet=fleets())
def test_rounds_of_the_shortest_delay_are_expected_to_be_no_longer_than_at_any_one_cut(fleet: Fleet) -> None:
    forecast, clients = fleet.expected, len(fleet.cuts)
    found = forecast.round_s(OptimalDelay().cuts(fleet) - 1)
    assert found <= min(forecast.round_s(np.full(clients, place)) for place in range(len(fleet.layers)))


def test_who_is_fast_relieves_the_server_that_others_wait_for() -> None:
    """At the second cut the fast client takes 5 s and the slow one 9 s, for 4 s of their server's.
    Both at the first wait for each other, 4 s or so; the fast one at the second leaves the other 5 s in all."""
    server = Shared(asked_s=np.array([[4.0, 0.0], [4.0, 0.0]]), groups=np.array([0, 0]), at_once=np.array([1]))
    forecast = Forecast(own_s=np.array([[0.5, 5.0], [1.0, 9.0]]), shared=(server,))
    two = replace(THREE, cuts=np.array([1, 1]), layers=np.array([1, 2]), forecast=forecast)
    assert OptimalDelay().cuts(two).tolist() == [2, 1]


def test_weights_of_performance_add_up_over_looks_from_the_first_cut() -> None:
    policy = Performance(gamma=0.5)
    assert decided(policy) == [2, 2, 2]  # weights 1.25, 1 and 0.75 round to 2, 2 and 2
    assert decided(policy, cuts=np.array([9, 9, 9])) == [3, 2, 1]  # 1.5, 1 and 0.5 of 2


def test_time_limits_how_deep_performance_may_go() -> None:
    """Within 20 % of the median of 4.5 s: all of the fast client's, three of the slow, the last of the third."""
    assert decided(PerformanceAndResource(gamma=4.0)) == [4, 2, 1]
    assert decided(PerformanceAndResource(gamma=0.0, slack=0.0), cuts=np.array([4, 4, 2])) == [4, 4, 2]
