"""Jobs: costs and sizes are known before anything runs, and what ran forgets its past."""

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from cosim.garbage import uncollected
from training.deferred import DeferredRuntime
from training.jobs import Cost, Job, Operation, Output, Ref
from training.learning import Learning
from training.runtime import AnalyticRuntime, EagerRuntime, Runtime

RUNTIMES: dict[str, type[Runtime]] = {
    "eager": EagerRuntime,
    "deferred": DeferredRuntime,
    "analytic": AnalyticRuntime,
}
COMPUTING = ["eager", "deferred"]


class Box:
    """A value that can be watched: numbers and lists cannot be referred to weakly."""

    def __init__(self, number: int) -> None:
        self.number = number


@dataclass(frozen=True)
class Add(Operation):
    """Adds ``term`` to the sum of its inputs, and writes into ``diary``, which is no part of it, that it has run."""

    term: int
    diary: list[int] = field(repr=False, compare=False)

    def outputs(self, lab: Any, inputs: Sequence[Ref]) -> Mapping[str, Output]:
        return {"sum": Output(nbytes=8 * (1 + len(inputs)), kind="model")}

    def cost(self, lab: Any, inputs: Sequence[Ref]) -> Cost:
        return Cost(flops=len(inputs))

    def run(self, lab: Any, values: Sequence[Box]) -> Mapping[str, Any]:
        self.diary.append(self.term)
        return {"sum": Box(self.term + sum(value.number for value in values))}


def three_part_step(learning: Learning) -> list[Job]:
    """The jobs of one mini-batch through user, edge and cloud, in causal order."""
    first, middle, last = learning.parts([1, 3])
    start = {part: learning.start(part, str(part)) for part in (first, middle, last)}
    batch = learning.batch((0, 2, 5))
    user = learning.forward(first, start[first], batch)
    edge = learning.forward(middle, start[middle], batch, [user["activation"]])
    cloud = learning.loss_and_backward(last, start[last], batch, [edge["activation"], user["labels"]])
    edge_back = learning.backward(middle, start[middle], batch, edge["held"], cloud["gradient"])
    user_back = learning.backward(first, start[first], batch, user["held"], edge_back["gradient"])
    average = learning.average([cloud["adapter"], start[last]], [3, 1], "average")
    adopted = learning.adopt(last, start[last], average["adapter"])
    return [user, edge, cloud, edge_back, user_back, average, adopted]


def test_costs_and_sizes_are_known_before_anything_runs(lab) -> None:
    diary: list[int] = []
    runtime = EagerRuntime(lab)
    one = runtime.submit(Add(1, diary))
    two = runtime.submit(Add(2, diary), one["sum"], one["sum"])
    assert (two.cost, two["sum"].nbytes) == (Cost(flops=2), 24)
    assert diary == []
    assert runtime.jobs_run == 0


def test_a_job_runs_once_when_its_event_is_reached(lab) -> None:
    diary: list[int] = []
    runtime = EagerRuntime(lab)
    job = runtime.submit(Add(1, diary))
    runtime.reached(job)
    runtime.reached(job)
    assert (diary, runtime.jobs_run) == ([1], 1)
    assert [box.number for box in runtime.values([job["sum"]])] == [1]


def test_inputs_without_an_event_of_their_own_run_first(lab) -> None:
    diary: list[int] = []
    runtime = EagerRuntime(lab)
    one = runtime.submit(Add(1, diary))
    two = runtime.submit(Add(2, diary), one["sum"])
    three = runtime.submit(Add(3, diary), one["sum"], two["sum"])
    runtime.reached(three)
    assert sorted(diary[:2]) == [1, 2]
    assert diary[2:] == [3]
    assert [box.number for box in runtime.values([three["sum"], one["sum"], two["sum"]])] == [7, 1, 3]


@pytest.mark.parametrize("name", COMPUTING)
def test_a_chain_of_jobs_may_be_longer_than_pythons_stack(lab, name) -> None:
    diary: list[int] = []
    runtime = RUNTIMES[name](lab)
    job = runtime.submit(Add(0, diary))
    for _ in range(5000):
        job = runtime.submit(Add(1, diary), job["sum"])
    assert runtime.values([job["sum"]])[0].number == 5000


def test_references_to_one_result_are_equal_and_carry_the_lineage_of_the_first_input(lab) -> None:
    runtime = EagerRuntime(lab)
    one = runtime.submit(Add(1, []), lineage="user 1")
    two = runtime.submit(Add(2, []), lineage="user 2")
    assert one["sum"] == one["sum"] != two["sum"]
    assert len({one["sum"], one["sum"], two["sum"]}) == 2
    assert runtime.submit(Add(3, []), two["sum"], one["sum"])["sum"].lineage == "user 2"
    assert runtime.submit(Add(3, []))["sum"].lineage == ""


@pytest.mark.parametrize("name", COMPUTING)
def test_the_past_of_a_job_is_released_when_it_has_run(lab, name) -> None:
    runtime = RUNTIMES[name](lab)
    with uncollected():
        one = runtime.submit(Add(1, []))
        two = runtime.submit(Add(2, []), one["sum"])
        past = weakref.ref(one.task)
        runtime.reached(one)
        runtime.reached(two)
        del one
        assert runtime.values([two["sum"]])[0].number == 3
        assert past() is None


@pytest.mark.parametrize("name", COMPUTING)
def test_values_live_as_long_as_a_reference_to_them(lab, name) -> None:
    runtime = RUNTIMES[name](lab)
    with uncollected():
        ref = runtime.submit(Add(1, []))["sum"]
        value = weakref.ref(runtime.values([ref])[0])
        assert value() is not None
        del ref
        assert value() is None


def test_reading_a_result_that_is_not_one_is_an_error(lab) -> None:
    with pytest.raises(KeyError, match="difference"):
        EagerRuntime(lab).submit(Add(1, []))["difference"]


def test_all_ways_of_execution_agree_on_every_cost_and_size(lab) -> None:
    eager, deferred, analytic = (three_part_step(Learning(runtime(lab))) for runtime in RUNTIMES.values())
    assert [job.cost for job in analytic] == [job.cost for job in deferred] == [job.cost for job in eager]
    assert [job.outputs for job in analytic] == [job.outputs for job in deferred] == [job.outputs for job in eager]
    assert any(job.cost.flops for job in eager)


@pytest.mark.parametrize("name", COMPUTING)
def test_every_size_on_the_wire_is_that_of_the_tensor_sent(lab, name) -> None:
    learning = Learning(RUNTIMES[name](lab))
    sent = [job[name] for job in three_part_step(learning) for name, output in job.outputs.items() if output.kind]
    assert {ref.output.kind for ref in sent} == {"activation", "gradient", "label", "adapter"}
    for ref, value in zip(sent, learning.runtime.values(sent), strict=True):
        tensor: torch.Tensor = value.weights if ref.output.kind == "adapter" else value
        assert ref.nbytes == tensor.numel() * tensor.element_size() > 0
