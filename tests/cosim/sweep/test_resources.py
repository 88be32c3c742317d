"""How many workers there are, and what each may use."""

import os
from pathlib import Path

import pytest

from cosim.scenario import load_scenario
from cosim.sweep import resources
from cosim.sweep.resources import Node, Share, cores_here, free_bytes, share, share_of

GIB = 2**30


def asked(monkeypatch: pytest.MonkeyPatch, small: Path, wanted: int | None, points: int, free: int | None) -> Share:
    monkeypatch.setattr(resources, "cores_here", lambda: 8)
    monkeypatch.setattr(resources, "free_bytes", lambda: free)
    return share(wanted, load_scenario(small), points)


@pytest.mark.parametrize(
    ("wanted", "points", "free", "workers"),
    [
        (None, 100, 64 * GIB, 8),
        (None, 3, 64 * GIB, 3),
        (None, 100, None, 8),
        (None, 100, 2 * GIB, 2),
        (None, 100, 0, 1),
        (3, 100, 0, 3),
        (30, 100, 0, 30),
        (30, 2, 0, 2),
    ],
)
def test_workers_are_bounded_by_points_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, small: Path, wanted: int | None, points: int, free: int | None, workers: int
) -> None:
    assert asked(monkeypatch, small, wanted, points, free).workers == workers


def test_it_is_said_when_memory_is_the_reason(monkeypatch: pytest.MonkeyPatch, small: Path) -> None:
    assert asked(monkeypatch, small, None, 100, 2 * GIB).reason.startswith("2.1 GB of memory are free")
    assert asked(monkeypatch, small, None, 100, 64 * GIB).reason == ""
    assert asked(monkeypatch, small, None, 2, 2 * GIB).reason == ""


@pytest.mark.parametrize(
    ("workers", "cores", "busy", "threads"), [(2, 8, 1, 8), (2, 8, 2, 4), (2, 8, 9, 4), (4, 2, 9, 1)]
)
def test_the_cores_are_divided_among_those_that_are_busy(workers: int, cores: int, busy: int, threads: int) -> None:
    assert Share(workers=workers, cores=cores).threads(busy) == threads


def test_a_container_has_no_more_than_its_bound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resources, "_CGROUP", tmp_path)
    unbounded = free_bytes()
    assert unbounded is None or unbounded > 3000
    for name, text in (("max", "5000"), ("current", "4000"), ("stat", "anon 10\ninactive_file 2000\n")):
        (tmp_path / f"memory.{name}").write_text(text)
    assert free_bytes() == 3000


CLUSTER = (Node(cores=8, nbytes=4 * GIB, accelerators=2), Node(cores=4, nbytes=64 * GIB))
"""One with many cores and little memory, and the other way round."""


@pytest.mark.parametrize(
    ("wanted", "need", "points", "workers"),
    [
        (None, Node(cores=1, nbytes=GIB), 100, 4 + 4),  # by memory, by cores
        (None, Node(cores=1, nbytes=GIB // 2), 100, 8 + 4),
        (None, Node(cores=1, nbytes=GIB), 3, 3),
        (None, Node(cores=1, nbytes=GIB, accelerators=1), 100, 2 + 0),
        (6, Node(cores=1, nbytes=GIB), 100, 6),
        (6, Node(cores=1, nbytes=GIB), 5, 5),
    ],
)
def test_a_cluster_has_room_for_what_its_machines_have(
    wanted: int | None, need: Node, points: int, workers: int
) -> None:
    assert share_of(CLUSTER, wanted, need, points).workers == workers


def test_of_a_cluster_it_is_said_when_cores_are_not_the_reason() -> None:
    assert share_of(CLUSTER, None, Node(cores=1, nbytes=GIB), 100).reason.startswith("memory or accelerators for 8;")
    assert share_of(CLUSTER, None, Node(cores=1, nbytes=GIB // 2), 100).reason == ""
    assert share_of(CLUSTER, None, Node(cores=1, nbytes=GIB), 8).reason == ""
    assert share_of(CLUSTER, 20, Node(cores=1, nbytes=GIB), 100).reason == ""


def test_no_point_has_more_cores_than_one_machine() -> None:
    room = share_of(CLUSTER, None, Node(cores=1, nbytes=GIB), 100)
    assert [room.threads(busy) for busy in (1, 2, 8, 100)] == [8, 6, 1, 1]


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 6}, raising=False)
    assert cores_here() == 3
