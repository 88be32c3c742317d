"""Deferred execution: what nobody wants is never run, what is wanted runs once, and nothing is kept longer."""

import gc
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from cosim.garbage import uncollected
from training.deferred import DeferredRuntime
from training.jobs import Cost, Operation, Output, Ref
from training.learning import Learning
from training.optimiser import AdapterState
from training.runtime import EagerRuntime
from training.store import Store

CLIENTS, LOCAL_STEPS = 3, 4
ADAPTER = 5e-5
"""AdamW divides by sqrt(v): where a gradient is near zero, a step is lr times its sign."""


@dataclass(frozen=True)
class Half(Operation):
    """A lossy codec, as an experiment of its own would add one: the payload in 16 bits."""

    def outputs(self, lab: Any, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        return {"payload": Output(nbytes=inputs[0].nbytes // 2, kind=inputs[0].output.kind)}

    def cost(self, lab: Any, inputs: Sequence[Ref]) -> Cost:
        return Cost()

    def run(self, lab: Any, values: Sequence[Any]) -> Mapping[str, Any]:
        return {"payload": values[0].half().float()}


def rows(client: int, step: int) -> tuple[int, ...]:
    return tuple((5 * client + 2 * step + i) % 12 for i in range(2))


def train(learning: Learning, adapter: Ref, client: int, steps: int = LOCAL_STEPS) -> Ref:
    """Some steps of one client on the whole model."""
    for step in range(steps):
        job = learning.loss_and_backward(learning.whole, adapter, learning.batch(rows(client, step)))
        learning.runtime.reached(job)
        adapter = job["adapter"]
    return adapter


def federated_round(learning: Learning, average: Ref) -> Ref:
    own = [train(learning, average, client) for client in range(CLIENTS)]
    job = learning.average(own, [1, 2, 5], "average")
    learning.runtime.reached(job)
    return job["adapter"]


def weights(learning: Learning, ref: Ref) -> torch.Tensor:
    return learning.runtime.values([ref])[0].weights


def test_nothing_runs_before_a_value_is_wanted_and_then_everything_once(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    average = federated_round(learning, learning.start(lab.whole, "own"))
    assert learning.runtime.jobs_run == 0
    learning.values([average])
    assert learning.runtime.jobs_run == 1 + CLIENTS * LOCAL_STEPS + 1
    learning.values([average])
    assert learning.runtime.jobs_run == 1 + CLIENTS * LOCAL_STEPS + 1


def test_what_is_not_needed_for_the_value_is_not_run(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    start = learning.start(lab.whole, "own")
    wanted, straggler = train(learning, start, 0), train(learning, start, 1)
    learning.values([wanted])
    assert learning.runtime.jobs_run == 1 + LOCAL_STEPS
    learning.values([straggler])
    assert learning.runtime.jobs_run == 1 + 2 * LOCAL_STEPS


def test_a_bounded_window_runs_what_somebody_still_holds_and_no_discarded_work(lab) -> None:
    learning = Learning(DeferredRuntime(lab, pending=LOCAL_STEPS + 3))
    start = learning.start(lab.whole, "own")
    train(learning, start, 1)  # its result is dropped at once
    kept = train(learning, start, 0, steps=1)
    assert learning.runtime.jobs_run == 0
    train(learning, start, 2, steps=1)  # fills the window
    assert learning.runtime.jobs_run == 2, "the start and the one step that is held"
    assert torch.equal(weights(learning, kept), weights(learning, train(learning, start, 0, steps=1)))


@pytest.mark.parametrize("pending", [1, 2, 8, 4096])
def test_the_window_changes_no_number(lab, pending) -> None:
    learning, eager = Learning(DeferredRuntime(lab, pending=pending)), Learning(EagerRuntime(lab))
    found, expected = (federated_round(each, each.start(lab.whole, "own")) for each in (learning, eager))
    torch.testing.assert_close(weights(learning, found), weights(eager, expected), rtol=0, atol=ADAPTER)


def test_equal_jobs_are_one(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    start = learning.start(lab.whole, "own")
    one, two = train(learning, start, 0), train(learning, start, 0)
    learning.values([one, two])
    assert learning.runtime.jobs_run == 1 + LOCAL_STEPS


def test_an_act_that_one_part_never_comes_to_is_done_after_some_windows(lab) -> None:
    """A server's copy takes over average after average, the user's is away: they must not pile up as a chain."""
    _, last = lab.model.parts([2])
    pending = 4
    learning = Learning(DeferredRuntime(lab, pending=pending))
    server, tasks = learning.start(last, "server"), []
    for _ in range(40):
        average = learning.average([server], [1], "average")["adapter"]
        server = learning.adopt(last, server, average)["adapter"]
        tasks.append(len(learning.runtime._tasks))  # type: ignore[attr-defined]  # of this way of execution
    assert pending < max(tasks) < tasks[-1] + 2 * pending
    assert max(tasks[20:]) == max(tasks[:20]), "as many as wait for eight windows, however long it goes on"


def living_states() -> list[AdapterState]:
    return [it for it in gc.get_objects() if type(it) is AdapterState]


def test_states_between_two_steps_are_freed_during_the_round(lab, monkeypatch) -> None:
    """A round of 3 clients and 4 steps needs the states of one step and of the next, not of all twelve."""
    most, step_in_place = 0, type(lab.optimiser).step_in_place

    def counted(self: Any, stack: Any, gradients: Any) -> Any:
        nonlocal most
        stepped = step_in_place(self, stack, gradients)
        most = max(most, len(living_states()) - before)
        return stepped

    learning = Learning(DeferredRuntime(lab))
    average = federated_round(learning, learning.start(lab.whole, "own"))
    monkeypatch.setattr(type(lab.optimiser), "step_in_place", counted)
    with uncollected():
        before = len(living_states())
        learning.values([average])
        assert 0 < most <= 2 * CLIENTS + 1, "two steps, and the start"
        assert len(living_states()) - before <= 2, "the average, and the start that the first round held"


def test_a_state_lives_exactly_as_long_as_a_reference_to_it(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    with uncollected():
        ref = train(learning, learning.start(lab.whole, "own"), 0)
        value = weakref.ref(learning.values([ref])[0])
        assert value() is not None
        del ref
        assert value() is None


def test_results_are_found_by_another_run_and_only_what_is_missing_is_run(lab, tmp_path: Path) -> None:
    first, second = (Learning(DeferredRuntime(lab, Store(tmp_path, 10**9))) for _ in range(2))
    average = federated_round(first, first.start(lab.whole, "own"))
    expected = weights(first, average)
    first.runtime.keep([average])
    again = federated_round(second, second.start(lab.whole, "own"))
    assert torch.equal(weights(second, again), expected)
    assert (second.runtime.jobs_run, second.runtime.jobs_cached) == (0, 1)
    weights(second, train(second, again, 0, steps=2))
    assert (second.runtime.jobs_run, second.runtime.jobs_cached) == (2, 1)


def test_only_what_is_there_is_kept(lab, tmp_path: Path) -> None:
    store = Store(tmp_path, 10**9)
    learning = Learning(DeferredRuntime(lab, store))
    learning.runtime.keep([federated_round(learning, learning.start(lab.whole, "own"))])
    assert (learning.runtime.jobs_run, store.usage().files) == (0, 0)


def test_an_operation_of_ones_own_takes_part(lab) -> None:
    """A codec between the parts: its own bytes on the wire, its own effect on what is learned."""
    first, last = lab.model.parts([2])

    def loss(learning: Learning, *, lossy: bool) -> Ref:
        batch = learning.batch((0, 1))
        forward = learning.forward(first, learning.start(first, "user"), batch)
        arrived = forward["activation"]
        if lossy:
            sent = learning.runtime.submit(Half(), arrived)["payload"]
            assert sent.nbytes == arrived.nbytes / 2
            arrived = sent
        job = learning.loss_and_backward(last, learning.start(last, "server"), batch, [arrived, forward["labels"]])
        return job["loss"]

    deferred, eager = Learning(DeferredRuntime(lab)), Learning(EagerRuntime(lab))
    assert deferred.values([loss(deferred, lossy=True)]) == eager.values([loss(eager, lossy=True)])
    assert deferred.values([loss(deferred, lossy=True)]) != deferred.values([loss(deferred, lossy=False)])
