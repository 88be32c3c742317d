"""Waves: who shares a pass is decided by what is wanted, not by who asked first."""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training import waves
from training.deferred import DeferredRuntime
from training.jobs import Ref
from training.lab import Lab
from training.learning import Learning
from training.machine import Machine
from training.operations import MeanLoss

TOKENS_EACH = 2 * 12
ROUNDING = 1e-9
Passes = list[tuple[str, list[str]]]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Passes]:
    """Every pass that ran: kind of operation, and keys of its tasks in their places."""
    seen: Passes = []
    run = waves._results

    def noted(lab: Lab, chunk: Any) -> list[Any]:
        seen.append((type(chunk[0].operation).__name__, [task.key for task in chunk]))
        return run(lab, chunk)

    monkeypatch.setattr(waves, "_results", noted)
    return seen


def shared_server(learning: Learning, order: list[int]) -> list[Ref]:
    """A step of five users of different data, in parts: their states are asked for in ``order``."""
    first, last = learning.parts([2])
    adapters = {}
    for user in order:
        adapter = learning.start(first, f"user{user}")
        server = learning.start(last, "server")
        for step in range(2):
            batch = learning.batch((user, (user + step + 1) % 12))
            up = learning.forward(first, adapter, batch)
            turn = learning.loss_and_backward(last, server, batch, [up["activation"], up["labels"]])
            adapter = learning.backward(first, adapter, batch, up["held"], turn["gradient"])["adapter"]
        adapters[user] = adapter  # the server's part is begun anew in each step: nothing is whole
    return [adapters[user] for user in order]


def at_width(lab: Lab, clients: int, lanes: int = 1) -> Lab:
    return replace(lab, machine=Machine(device="cpu", threads=lanes, tokens=TOKENS_EACH * clients))


@pytest.mark.parametrize("order", [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3]], ids=str)
def test_passes_depend_on_what_is_wanted_and_not_on_the_order_of_asking(lab, passes, order) -> None:
    in_order, other = (Learning(DeferredRuntime(at_width(lab, 2))) for _ in range(2))
    found = in_order.values(shared_server(in_order, sorted(order)))
    first, passes[:] = list(passes), []
    again = other.values(shared_server(other, order))
    assert passes == first
    for user, state in zip(order, again, strict=True):
        assert torch.equal(state.weights, found[user].weights)


@pytest.mark.parametrize(("width", "sizes"), [(1, [1] * 5), (2, [1, 2, 2]), (3, [2, 3]), (4, [2, 3]), (9, [5])])
def test_a_wave_is_cut_into_nearly_equal_passes_none_too_wide(lab, passes, width, sizes) -> None:
    learning = Learning(DeferredRuntime(at_width(lab, width)))
    states = [
        learning.loss_and_backward(lab.whole, learning.start(lab.whole, "own"), learning.batch((row, row + 1)))
        for row in (0, 2, 4, 6, 8)
    ]
    learning.values([state["adapter"] for state in states])
    assert sorted(len(keys) for kind, keys in passes if kind == "LossAndBackward") == sizes


def test_the_backwards_of_a_pass_are_those_of_the_forwards_of_a_pass(lab, passes) -> None:
    """So that one graph serves them all."""
    learning = Learning(DeferredRuntime(at_width(lab, 2)))
    learning.values(shared_server(learning, list(range(5))))
    forwards = [len(keys) for kind, keys in passes if kind == "Forward"]
    backwards = [len(keys) for kind, keys in passes if kind == "Backward"]
    assert forwards == backwards
    assert max(forwards) == 2


def test_whole_steps_of_any_length_share_a_pass_and_parts_only_with_their_like(lab, passes) -> None:
    learning = Learning(DeferredRuntime(at_width(lab, 9)))
    batches = [learning.batch(rows) for rows in ((2, 7), (0, 1), (7, 2), (3, 4))]
    assert [batch.length for batch in batches] == [8, 12, 8, 12]
    start, (first, _) = learning.start(lab.whole, "own"), learning.parts([2])
    learning.values([learning.loss_and_backward(lab.whole, start, batch)["loss"] for batch in batches])
    own = learning.start(first, "own")
    learning.values([learning.forward(first, own, batch)["activation"] for batch in batches])
    assert [len(keys) for kind, keys in passes if kind == "LossAndBackward"] == [4]
    assert [len(keys) for kind, keys in passes if kind == "Forward"] == [2, 2]


@dataclass(frozen=True, kw_only=True)
class Sized(MeanLoss):
    """An operation of which but the size matters."""

    size: int


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40))
def test_operations_of_any_size_are_shared_out_evenly(tokens) -> None:
    """Each pass gets its share of the work, give or take one operation."""
    most = 40
    group = [SimpleNamespace(operation=Sized(size=size)) for size in tokens]
    lab = SimpleNamespace(width=lambda operation: most // operation.size)
    chunks = list(waves.Waves(lab, None)._chunks(group, alone=False))  # type: ignore[arg-type]
    assert [task for chunk in chunks for task in chunk] == group
    works = [sum(1 / (most // task.operation.size) for task in chunk) for chunk in chunks]
    assert all(chunks)
    assert len(chunks) <= math.ceil(sum(works) + ROUNDING)
    assert all(work <= math.ceil(sum(works)) / len(chunks) + 1 for work in works)


def test_passes_of_a_wave_run_in_threads_and_change_no_bit(lab, monkeypatch) -> None:
    names: set[str] = set()
    run = waves._results

    def named(of: Lab, chunk: Any) -> list[Any]:
        names.add(threading.current_thread().name)
        return run(of, chunk)

    monkeypatch.setattr(waves, "_results", named)
    found = []
    for lanes in (1, 2):
        learning = Learning(DeferredRuntime(at_width(lab, 1, lanes)))
        found.append(learning.values(shared_server(learning, list(range(5)))))
        learning.runtime.close()
        learning.runtime.close()
        assert any(name.startswith("lane") for name in names) == (lanes == 2)
    for one, two in zip(*found, strict=True):
        assert torch.equal(one.weights, two.weights)


def test_a_failure_in_a_thread_is_heard(lab, monkeypatch) -> None:
    def fails(*_: Any) -> Any:
        raise MemoryError("too wide")

    learning = Learning(DeferredRuntime(at_width(lab, 1, lanes=2)))
    wanted = shared_server(learning, list(range(3)))
    monkeypatch.setattr(type(lab.optimiser), "step_together", fails)
    with pytest.raises(MemoryError, match="too wide"):
        learning.values(wanted)
    learning.runtime.close()
