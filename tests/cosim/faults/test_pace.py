"""How long work takes on nodes that are slow for a while; one that is on and off by turns, second by second."""

from dataclasses import dataclass
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from channel_models.availability import MarkovOnOff
from channel_models.randomness import Stream
from cosim.devices import SteadySpeed
from cosim.faults.pace import Pace
from cosim.processor import Processor
from cosim.stuck import Stuck

S = 1_000_000_000


@dataclass(frozen=True)
class ByTurns:
    """On in even seconds, off in odd ones, and from ``last_s`` on as then for ever."""

    last_s: int | None = None

    def is_on(self, who: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
        seconds = times_ns // S if self.last_s is None else np.minimum(times_ns // S, self.last_s)
        on: NDArray[np.bool_] = np.broadcast_to(seconds % 2 == 0, (len(who), len(times_ns)))
        return on

    def next_change_ns(self, who: int, time_ns: int) -> int | None:
        second = time_ns // S + 1
        return None if self.last_s is not None and second > self.last_s else second * S


def pace(factor: float, last_s: int | None = None) -> Pace:
    return Pace(node="user0", who=0, steady=ByTurns(last_s), factor=factor)


@pytest.mark.parametrize(
    ("factor", "start_s", "work_s", "end_s"),
    [
        (4.0, 0.0, 0.5, 0.5),  # within a full second
        (4.0, 0.0, 1.0, 1.0),
        (4.0, 0.0, 1.25, 2.0),  # a quarter of work in a second that is four times as slow
        (4.0, 0.5, 1.0, 2.25),  # 0.5 + 0.25 + 0.25
        (4.0, 1.0, 0.125, 1.5),
        (inf, 0.0, 1.0, 1.0),
        (inf, 0.0, 1.5, 2.5),
        (inf, 1.25, 0.5, 2.5),
        (inf, 1.25, 0.0, 1.25),  # nothing to do takes no time
    ],
)
def test_worked_by_hand(factor: float, start_s: float, work_s: float, end_s: float) -> None:
    assert pace(factor).end_ns(round(start_s * S), round(work_s * S)) == round(end_s * S)


def test_slow_for_ever_ends_late_and_still_for_ever_is_said_in_one_line() -> None:
    assert pace(4.0, last_s=1).end_ns(0, 3 * S) == 9 * S
    with pytest.raises(Stuck, match=r"^user0 stands still for ever from 1 s on, and work waits for it$"):
        pace(inf, last_s=1).end_ns(0, 3 * S)


@given(start=st.integers(0, 10**10), parts=st.lists(st.integers(0, 10**9), min_size=1, max_size=4))
def test_work_in_parts_ends_when_the_whole_does(start: int, parts: list[int]) -> None:
    """To a nanosecond a part, to which each end is rounded."""
    steady = MarkovOnOff(stream=Stream(0, "test"), mean_on_s=0.3, mean_off_s=0.2)
    slow, now = Pace(node="n", who=2, steady=steady, factor=2.5), start
    for part in parts:
        now = slow.end_ns(now, part)
    assert now == pytest.approx(slow.end_ns(start, sum(parts)), abs=3 * len(parts))


def test_a_processor_keeps_its_pace_and_says_so() -> None:
    processor = Processor(time=SteadySpeed(flops_per_s=1.0), power_w=1.0, pace=pace(4.0))
    assert processor.seize(0, 1.25) == (0, 2 * S)
    assert processor.seize(0, 0.5) == (2 * S, 2 * S + S // 2), "the next one waits for it"
    assert (processor.slowed(1.25, 2 * S), processor.slowed(0.5, S // 2)) == ("slowed down", "")
