"""Queues before processors, against what a queue of c servers does by definition."""

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.devices import SteadySpeed
from cosim.processor import Processor

NS = 1_000_000_000
JOBS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 30)), max_size=30)
"""How long after the one before each job comes, and how long it takes, in seconds."""


def processor(jobs: int) -> Processor:
    return Processor(time=SteadySpeed(flops_per_s=1.0), power_w=1.0, jobs=jobs)


@given(arrivals=JOBS, places=st.integers(1, 4))
def test_a_job_begins_when_a_place_is_free_and_all_before_it_have_begun(
    arrivals: list[tuple[int, int]], places: int
) -> None:
    node, now, running = processor(places), 0, list[int]()
    for later, seconds in arrivals:
        now += later
        while running and running[0] <= now:
            heapq.heappop(running)
        waits_until = now
        if len(running) == places:
            waits_until = heapq.heappop(running)
        heapq.heappush(running, waits_until + seconds)
        assert node.seize(now * NS, seconds) == (waits_until * NS, (waits_until + seconds) * NS)


def test_with_a_place_for_everybody_nobody_waits() -> None:
    node = processor(3)
    assert [node.seize(5, 2.0) for _ in range(3)] == [(5, 2 * NS + 5)] * 3
    assert node.seize(5, 2.0)[0] == 2 * NS + 5


def test_a_processor_is_its_nodes_alone() -> None:
    first, second = processor(1), processor(1)
    first.seize(0, 1.0)
    assert second.seize(0, 1.0) == (0, NS)


@pytest.mark.parametrize("places", [1, 2])
def test_jobs_without_work_take_no_time(places: int) -> None:
    assert processor(places).seize(7, 0.0) == (7, 7)
