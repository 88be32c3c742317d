"""Which points train the same, and the order that follows from it."""

from pathlib import Path

import pytest

from cosim.sweep.families import families
from cosim.sweep.schedule import Schedule
from tests.cosim.sweep.conftest import planned, split


def sizes(file: Path, *vary: str, overrides: tuple[str, ...] = (), **wanted: object) -> list[int]:
    points = planned(file, file.parent, *vary, overrides=overrides, **wanted)
    return [len(family) for family in families(points)]


@pytest.mark.parametrize(
    "vary",
    [
        "radio.bandwidth=1:5 MHz", "radio.pathloss=uma,umi,rma,macro", "backhaul.latency=1:5 ms",
        "users.power=20:24 dBm", "users.compute.speed=1:5 GFLOP/s", "edges.compute.speed=1:5 TFLOP/s",
        "cloud.compute.speed=1:5 TFLOP/s", "payloads.adapter=1:5 Mbit", "host.threads=1:5",
    ],
)  # fmt: skip
def test_what_only_changes_times_is_trained_once(small: Path, vary: str) -> None:
    assert sizes(small, vary) == [4]


@pytest.mark.parametrize(
    "vary",
    [
        "seed=0:4", "users.count=2:6", "edges.count=1:5", "training.lr=1:5", "model.lora.r=1:5", "scheme.rounds=1:5",
        "data.batch_size=1:5", "evaluation.sequences=1:5",
    ],
)  # fmt: skip
def test_what_may_change_the_training_is_not(small: Path, vary: str) -> None:
    assert sizes(small, vary) == [1, 1, 1, 1]


def test_a_cut_is_no_difference_where_numbers_do_not_depend_on_it(small: Path) -> None:
    small.write_text(split(small))
    assert sizes(small, "scheme.cut=1,2,3") == [3]
    assert sizes(small, "scheme.cut=1,2,3", overrides=("scheme.server=shared",)) == [1, 1, 1]


def test_how_positions_are_written_changes_no_number(small: Path) -> None:
    as_cellm = ("scheme={name: cellm}",)
    assert sizes(small, "scheme.encoding=coo,bitmap,values", overrides=as_cellm) == [3]
    assert sizes(small, "scheme.upload=1/4,1/2", overrides=as_cellm) == [1, 1]


@pytest.mark.parametrize("override", ["execution=analytic", "execution=eager", "host.cache=false"])
def test_without_a_cache_there_is_nothing_to_wait_for(small: Path, override: str) -> None:
    assert sizes(small, "radio.bandwidth=1:5 MHz", overrides=(override,)) == [1, 1, 1, 1]


def test_leaders_go_first_and_their_followers_when_they_have_trained(small: Path) -> None:
    points = planned(small, small.parent, "radio.bandwidth=1:4 MHz", seeds="0:2")  # 1/0 1/1 2/0 2/1 3/0 3/1
    schedule = Schedule(families(points))
    first, second = schedule.next(), schedule.next()
    assert [first, second] == points[:2]
    assert schedule.next() is None
    schedule.done(points[1], trained=True)
    assert schedule.ready == 2
    assert schedule.next() is points[3]
    schedule.done(points[0], trained=True)
    assert [schedule.next() for _ in range(4)] == [points[5], points[2], points[4], None]


def test_after_a_leader_that_failed_the_next_one_leads(small: Path) -> None:
    points = planned(small, small.parent, "radio.bandwidth=1:4 MHz")
    schedule = Schedule(families(points))
    assert schedule.next() is points[0]
    schedule.done(points[0], trained=False)
    assert schedule.next() is points[1]
    assert schedule.next() is None
    schedule.done(points[1], trained=True)
    assert schedule.next() is points[2]


def test_a_point_that_was_lost_is_next(small: Path) -> None:
    points = planned(small, small.parent, "radio.bandwidth=1:4 MHz")
    schedule = Schedule(families(points))
    assert schedule.next() is points[0]
    schedule.again(points[0])
    assert schedule.next() is points[0]
    schedule.done(points[0], trained=True)
    assert schedule.next() is points[1]
    schedule.again(points[1])
    assert schedule.next() is points[1]
