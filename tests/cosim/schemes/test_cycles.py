"""No scheme makes cycles of objects, which only the collector would free: in a run it looks seldom."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from cosim.garbage import uncollected
from cosim.observer import Observer
from cosim.runner import Run


@contextmanager
def kept_aside() -> Iterator[list[Any]]:
    """What the collector finds from here on is not freed, but noted."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    found: list[Any] = []
    try:
        with uncollected():
            yield found
            gc.collect()
            found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def kinds_of_a_run(found: list[Any]) -> list[str]:
    """Of what is found, our objects and tensors; libraries may leave what they like."""
    ours = ("cosim", "training", "simpy")
    return [type(it).__name__ for it in found if isinstance(it, torch.Tensor) or type(it).__module__.startswith(ours)]


@pytest.fixture
def rounds_after_the_first(run_small: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What the rounds after the first leave in cycles, in which all is loaded that a run needs."""

    def run(scheme: dict[str, Any], **sections: Any) -> list[str]:
        look, aside, found, rounds = Observer.__call__, kept_aside(), [], []

        def watched(self: Observer, ended: Any) -> None:
            look(self, ended)
            rounds.append(ended.number)
            if ended.number == 1:
                found.append(aside.__enter__())
            if ended.number == 3:
                aside.__exit__(None, None, None)

        monkeypatch.setattr(Observer, "__call__", watched)
        run_small({**scheme, "rounds": 3}, **sections)
        (noted,) = found
        assert rounds == [0, 1, 2, 3], "what was noted is noted after the last"
        return kinds_of_a_run(noted)

    return run


def test_rounds_leave_nothing_in_cycles(
    rounds_after_the_first: Callable[..., list[str]], scheme: dict[str, Any]
) -> None:
    assert rounds_after_the_first(scheme) == []


def test_nor_do_those_that_end_early(rounds_after_the_first: Callable[..., list[str]], timely: dict[str, Any]) -> None:
    assert rounds_after_the_first(timely) == []


def test_nor_do_single_jobs(rounds_after_the_first: Callable[..., list[str]]) -> None:
    assert rounds_after_the_first({"name": "splitfed", "cut": [1, 3]}, execution="eager") == []


def test_a_cycle_is_seen_by_that() -> None:
    with kept_aside() as found:
        knot = torch.zeros(1)
        knot.itself = [knot]  # type: ignore[attr-defined]
        del knot
    assert kinds_of_a_run(found) == ["Tensor"]
