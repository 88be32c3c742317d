import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.clock import Clock, to_ns, to_s

MS = 1_000_000
CENTURY_S = 3.2e9
TO_NS_ROUNDING = 2.0**-52  # relative: of the product and of the number of seconds itself


@pytest.mark.parametrize(
    ("seconds", "ns"), [(0, 0), (1e-9, 1), (0.4e-9, 0), (0.6e-9, 1), (0.001, MS), (3600, 3_600_000_000_000)]
)
def test_seconds_become_whole_nanoseconds(seconds: float, ns: int) -> None:
    assert to_ns(seconds) == ns
    assert type(to_ns(seconds)) is int


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, -1e-9, np.float32("nan")])
def test_a_delay_that_is_none_is_refused_by_value(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"a delay must be finite and not negative, not .* s"):
        to_ns(seconds)


@given(st.floats(0, CENTURY_S))
def test_rounding_is_to_the_nearest_nanosecond(seconds: float) -> None:
    assert abs(to_ns(seconds) - seconds * 1e9) <= 0.5 + seconds * 1e9 * TO_NS_ROUNDING
    assert to_ns(to_s(to_ns(seconds))) == pytest.approx(to_ns(seconds), rel=TO_NS_ROUNDING)


def test_single_precision_delays_lose_nothing_on_the_way() -> None:
    clock = Clock()

    def many_steps():
        for _ in range(100_000):
            yield clock.at(clock.now_ns + to_ns(np.float32(0.001)))

    clock.run(clock.process(many_steps()))
    assert clock.now_ns == 100_000 * MS
    assert clock.now_s == 100.0


def test_a_single_precision_number_counts_as_what_it_is_and_not_as_what_single_precision_makes_of_it() -> None:
    assert to_ns(np.float32(0.1)) == 100_000_001  # 0.1 is 0.100000001490116 there, and 1e8 ns have steps of 8


def test_tenths_of_seconds_meet_where_floats_would_miss_each_other() -> None:
    assert 0.1 + 0.2 != 0.3
    assert to_ns(0.1) + to_ns(0.2) == to_ns(0.3)


def test_what_happens_at_an_event_happens_before_its_waiters_go_on() -> None:
    clock, log = Clock(), []

    def waiter():
        yield clock.at(MS, lambda: log.append("act"))
        log.append("waiter")

    clock.run(clock.process(waiter()))
    assert log == ["act", "waiter"]


def test_events_of_one_instant_keep_the_order_of_their_making() -> None:
    clock, log = Clock(), []

    def story(name: str, first_ns: int):
        yield clock.at(first_ns)
        yield clock.at(10 * MS)
        log.append((name, clock.now_ns))

    stories = [clock.process(story(name, first_ns)) for name, first_ns in (("c", 5), ("a", 7), ("b", 7), ("d", 9))]
    clock.run(clock.all_of(stories))
    assert log == [("c", 10 * MS), ("a", 10 * MS), ("b", 10 * MS), ("d", 10 * MS)]


def test_the_past_cannot_be_scheduled() -> None:
    clock = Clock()
    clock.run(clock.at(MS))
    with pytest.raises(ValueError, match="delay"):
        clock.at(MS - 1)


def test_all_of_is_the_last_of_them_and_nothing_is_waited_for_twice() -> None:
    clock = Clock()
    clock.run(clock.all_of([clock.at(3 * MS), clock.at(MS), clock.at(2 * MS)]))
    assert clock.now_ns == 3 * MS
    clock.run(clock.all_of([]))
    assert clock.now_ns == 3 * MS
