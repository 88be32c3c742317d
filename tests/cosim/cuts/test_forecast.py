"""Waiting of clients for each other, against closed forms of closed networks of queues."""

import numpy as np
import pytest

from cosim.cuts.forecast import Forecast, Shared


def forecast(own_s: list[float], asked_s: list[float], at_once: int = 1) -> Forecast:
    """Of clients that share one thing, at one cut."""
    shared = Shared(
        asked_s=np.array(asked_s)[:, None], groups=np.zeros(len(own_s), dtype=np.int64), at_once=np.array([at_once])
    )
    return Forecast(own_s=np.array(own_s)[:, None], shared=(shared,))


def times_s(found: Forecast) -> list[float]:
    times: list[float] = found.times_s(np.zeros(len(found.own_s), dtype=np.int64)).tolist()
    return times


def test_alone_nobody_waits() -> None:
    assert times_s(forecast([2.0], [3.0])) == [5.0]


@pytest.mark.parametrize("clients", [2, 3, 5])
def test_equal_clients_that_do_nothing_else_queue_up_wholly(clients: int) -> None:
    """Exact: the server is always busy, and each client's turn comes once a turn of every other."""
    assert times_s(forecast([0.0] * clients, [2.0] * clients)) == pytest.approx([2.0 * clients] * clients, rel=1e-6)


def test_equal_clients_wait_as_mean_value_analysis_has_it() -> None:
    """Two clients with D = Z: exact MVA has R = D (1 + D / (D + Z)) = 1.5 D; Schweitzer's Q solves
    R = D (1 + R / (R + Z)), R = (1 + sqrt(5)) / 2 D."""
    golden = (1.0 + 5.0**0.5) / 2.0
    assert times_s(forecast([1.0, 1.0], [1.0, 1.0])) == pytest.approx([1.0 + golden] * 2, rel=1e-6)


def test_with_a_processor_for_each_nobody_waits() -> None:
    assert times_s(forecast([1.0, 2.0], [3.0, 4.0], at_once=2)) == [4.0, 6.0]


def test_clients_wait_for_those_of_their_own_server_alone() -> None:
    groups, at_once = np.array([0, 0, 1]), np.array([1, 1])
    server = Shared(asked_s=np.full((3, 1), 2.0), groups=groups, at_once=at_once)
    found = Forecast(own_s=np.ones((3, 1)), shared=(server,))
    first, second, third = times_s(found)
    assert first == second > third == 3.0


def test_a_client_elsewhere_is_expected_to_wait_as_it_does_now() -> None:
    own_s, asked_s = np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([[4.0, 1.0], [4.0, 2.0]])
    found = Forecast(own_s=own_s, shared=(Shared(asked_s=asked_s, groups=np.array([0, 0]), at_once=np.array([1])),))
    now = np.array([0, 1])
    each_s, waits_s = found.each_s(now), found.times_s(now) - np.array([5.0, 5.0])
    assert each_s[np.arange(2), now] == pytest.approx(found.times_s(now))
    assert each_s == pytest.approx(own_s + asked_s + waits_s[:, None])
