"""When parts learn as one: whole steps where the cut changes no number, part by part as soon as it could."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.deferred import DeferredRuntime
from training.jobs import Cost, Operation, Output, Ref
from training.learning import Learning
from training.runtime import EagerRuntime

ADAPTER = 5e-5
"""AdamW divides by sqrt(v): where a gradient is near zero, a step is lr times its sign."""
CUTS = (1, 3)
CLIENTS = 3

Part = Any


@dataclass(frozen=True)
class Lossy(Operation):
    """A payload scaled and rounded to 16 bits on its way."""

    factor: float

    def outputs(self, lab: Any, inputs: Sequence[Ref]) -> dict[str, Output]:
        return {"payload": inputs[0].output}

    def cost(self, lab: Any, inputs: Sequence[Ref]) -> Cost:
        return Cost()

    def run(self, lab: Any, values: Sequence[Any]) -> dict[str, Any]:
        return {"payload": (values[0] * self.factor).half().float()}


class Client:
    """The parts of a model between ``cuts``, and what can happen to them; jobs are submitted as a scheme does."""

    def __init__(self, learning: Learning, cuts: Sequence[int] = CUTS, number: int = 0) -> None:
        self.learning = learning
        self.number = number
        self.steps = 0
        self.parts: list[Part] = learning.parts(cuts)
        self.adapters = [learning.start(part, f"{number} {part}") for part in self.parts]
        self.losses: list[Ref] = []

    def batch(self) -> Any:
        first = 5 * self.number + 2 * self.steps
        self.steps += 1
        return self.learning.batch((first % 12, (first + 1) % 12))

    def step(
        self,
        *,
        up: Callable[[Ref], Ref] = lambda ref: ref,
        down: Callable[[Ref], Ref] = lambda ref: ref,
        before_backward: Callable[[], None] = lambda: None,
        first_backward: bool = True,
    ) -> None:
        """One mini-batch; ``up`` and ``down`` are done to activations and gradients on their way."""
        learn, batch, forwards = self.learning, self.batch(), []
        arrived: list[Ref] = []
        labels: list[Ref] = []
        for part, adapter in zip(self.parts[:-1], self.adapters, strict=False):
            job = learn.forward(part, adapter, batch, arrived)
            forwards.append(job)
            labels = labels or [job["labels"]]
            arrived = [up(job["activation"])]
        job = learn.loss_and_backward(self.parts[-1], self.adapters[-1], batch, [*arrived, *labels])
        self.adapters[-1] = job["adapter"]
        self.losses.append(job["loss"])
        before_backward()
        for i in reversed(range(len(forwards))):
            if i == 0 and not first_backward:
                return
            gradient = down(job["gradient"])
            job = learn.backward(self.parts[i], self.adapters[i], batch, forwards[i]["held"], gradient)
            self.adapters[i] = job["adapter"]


def outcome(learning: Learning, clients: Sequence[Client]) -> tuple[list[float], torch.Tensor]:
    """All losses, and all adapters after one another."""
    losses = [loss for client in clients for loss in client.losses]
    adapters = [adapter for client in clients for adapter in client.adapters]
    found = learning.values([*losses, *adapters])
    return found[: len(losses)], torch.cat([state.weights for state in found[len(losses) :]])


def assert_as_eager(lab: Any, story: Callable[[Learning], list[Client]]) -> int:
    """Deferred execution of ``story`` gives the numbers of eager; how many jobs it ran."""
    deferred, eager = Learning(DeferredRuntime(lab)), Learning(EagerRuntime(lab))
    (losses, adapters), (expected_losses, expected) = (outcome(each, story(each)) for each in (deferred, eager))
    assert losses == pytest.approx(expected_losses, abs=ADAPTER)
    torch.testing.assert_close(adapters, expected, rtol=0, atol=ADAPTER)
    return deferred.runtime.jobs_run


def average(clients: Sequence[Client], which: Sequence[int], samples: Sequence[int]) -> None:
    """FedAvg over some of the parts; every client takes the averages over."""
    learn = clients[0].learning
    for i in which:
        mean = learn.average([client.adapters[i] for client in clients], samples, f"average {i}")["adapter"]
        for client in clients:
            client.adapters[i] = learn.adopt(client.parts[i], client.adapters[i], mean)["adapter"]


def test_steps_of_parts_are_steps_of_the_whole(lab) -> None:
    def story(learning: Learning) -> list[Client]:
        client = Client(learning)
        for _ in range(3):
            client.step()
        return [client]

    assert assert_as_eager(lab, story) == 1 + 3, "the start and three steps"


def test_parts_averaged_alike_go_on_as_one(lab) -> None:
    def story(learning: Learning) -> list[Client]:
        clients = [Client(learning, number=number) for number in range(CLIENTS)]
        for _ in range(2):
            for client in clients:
                client.step()
            average(clients, [0, 1, 2], [1, 2, 5])
        return clients

    rounds, steps, averages, adoptions = 2, CLIENTS, 1, CLIENTS
    assert assert_as_eager(lab, story) == 1 + rounds * (steps + averages + adoptions)


def test_two_cuts_of_one_model_are_the_same_jobs(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    clients = [Client(learning, cuts) for cuts in ((1,), (3,), CUTS, ())]
    for client in clients:
        client.step()
    losses, _ = outcome(learning, clients)
    assert len(set(losses)) == 1
    assert learning.runtime.jobs_run == 2


def test_parts_with_different_weights_in_their_averages_run_part_by_part(lab) -> None:
    def story(learning: Learning) -> list[Client]:
        clients = [Client(learning, number=number) for number in range(CLIENTS)]
        for client in clients:
            client.step()
        average(clients, [0], [1, 1, 1])
        average(clients, [1, 2], [1, 2, 5])
        for client in clients:
            client.step()
        return clients

    whole, averages, adoptions = CLIENTS, 2, 2 * CLIENTS
    assert assert_as_eager(lab, story) == 1 + whole + averages + adoptions + CLIENTS * 5, "2 forwards, 3 backwards each"


def test_an_average_of_one_side_alone_runs_part_by_part(lab) -> None:
    def story(learning: Learning) -> list[Client]:
        clients = [Client(learning, number=number) for number in range(CLIENTS)]
        for client in clients:
            client.step()
        average(clients, [0], [1, 2, 5])
        for client in clients:
            client.step()
        return clients

    assert assert_as_eager(lab, story) == 1 + CLIENTS + (1 + CLIENTS) + CLIENTS * 5


@pytest.mark.parametrize(
    ("way", "jobs"),
    [
        ("up", ["forward", "codec", "loss and backward", "backward"]),
        ("down", ["whole step, for the server", "forward", "loss and backward", "codec", "backward"]),
    ],
)
def test_a_lossy_payload_runs_part_by_part(lab, way, jobs) -> None:
    def story(learning: Learning) -> list[Client]:
        client = Client(learning, cuts=(2,))
        client.step()
        client.step(**{way: lambda ref: learning.runtime.submit(Lossy(0.5), ref)["payload"]})
        return [client]

    start_and_whole_step = 2
    assert assert_as_eager(lab, story) == start_and_whole_step + len(jobs)


def test_a_gradient_from_elsewhere_is_used(lab) -> None:
    """Two clients with batches of one shape, whose gradients are interchanged."""

    def story(learning: Learning) -> list[Client]:
        first, last = learning.parts([2])
        clients = [Client(learning, cuts=(2,), number=number) for number in range(2)]
        batches = [client.batch() for client in clients]
        forwards = [learning.forward(first, c.adapters[0], b) for c, b in zip(clients, batches, strict=True)]
        turns = [
            learning.loss_and_backward(last, client.adapters[1], batch, [went["activation"], went["labels"]])
            for client, batch, went in zip(clients, batches, forwards, strict=True)
        ]
        for client, batch, went, other in zip(clients, batches, forwards, reversed(turns), strict=True):
            job = learning.backward(first, client.adapters[0], batch, went["held"], other["gradient"])
            client.adapters[0] = job["adapter"]
        return clients

    assert_as_eager(lab, story)


def test_labels_from_elsewhere_are_used(lab) -> None:
    def story(learning: Learning) -> list[Client]:
        first, last = learning.parts([2])
        client = Client(learning, cuts=(2,))
        one, other = client.batch(), client.batch()
        went, labelled = (learning.forward(first, client.adapters[0], batch) for batch in (one, other))
        job = learning.loss_and_backward(last, client.adapters[1], one, [went["activation"], labelled["labels"]])
        client.losses.append(job["loss"])
        return [client]

    assert_as_eager(lab, story)


def test_an_adapter_that_changed_between_forward_and_backward_takes_the_step_from_where_it_is(lab) -> None:
    """A delayed gradient: the user part has adopted other weights meanwhile."""

    def story(learning: Learning) -> list[Client]:
        other, late = Client(learning, number=1), Client(learning, number=2)
        other.step()

        def adopt() -> None:
            late.adapters[0] = learning.adopt(late.parts[0], late.adapters[0], other.adapters[0])["adapter"]

        late.step(before_backward=adopt)
        late.step()
        return [other, late]

    assert_as_eager(lab, story)


def test_a_backward_that_never_comes_leaves_the_servers_step_as_it_is(lab) -> None:
    """A user drops out after its activation has been used: the server has learnt, the user has not."""

    def story(learning: Learning) -> list[Client]:
        client = Client(learning)
        client.step(first_backward=False)
        client.step()
        return [client]

    jobs_of_second_step = 5
    assert assert_as_eager(lab, story) == 1 + 1 + jobs_of_second_step


def test_a_server_part_stepped_in_order_of_arrival_runs_part_by_part(lab) -> None:
    def story(learning: Learning) -> list[Client]:
        clients = [Client(learning, cuts=(2,), number=number) for number in range(CLIENTS)]
        for before, client in pairwise(clients):
            before.step()
            client.adapters[1] = before.adapters[1]
        clients[-1].step()
        return clients

    assert assert_as_eager(lab, story) == 1 + 1 + (CLIENTS - 1) * 3, "whole only where both sides are untouched"


def test_an_evaluation_of_all_parts_is_one_of_the_whole(lab) -> None:
    learning = Learning(DeferredRuntime(lab))
    split, unsplit = Client(learning), Client(learning, cuts=())
    for client in (split, unsplit):
        client.step()
    one, other = (learning.evaluate(client.adapters) for client in (split, unsplit))
    assert learning.values([one]) == learning.values([other])
    before = learning.runtime.jobs_run
    swapped = learning.evaluate([*Client(learning, number=1).adapters[:1], *split.adapters[1:]])
    assert learning.values([swapped]) != learning.values([one])
    assert learning.runtime.jobs_run > before


acts = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.integers(0, CLIENTS - 1)),
        st.tuples(st.just("no first backward"), st.integers(0, CLIENTS - 1)),
        st.tuples(st.just("lossy"), st.integers(0, CLIENTS - 1)),
        st.tuples(st.just("average"), st.sampled_from([(0,), (1, 2), (0, 1, 2), (2,)])),
        st.tuples(st.just("adopt"), st.tuples(*[st.integers(0, CLIENTS - 1)] * 2, st.integers(0, 2))),
        st.tuples(st.just("ask"), st.integers(0, CLIENTS - 1)),
    ),
    min_size=1,
    max_size=7,
)


def play(learning: Learning, program: Sequence[tuple[str, Any]]) -> list[Client]:
    clients = [Client(learning, number=number) for number in range(CLIENTS)]

    def lossy(ref: Ref) -> Ref:
        return learning.runtime.submit(Lossy(1.0), ref)["payload"]

    for act, about in program:
        if act == "average":
            average(clients, about, [1, 2, 5])
        elif act == "adopt":
            giver, taker, part = about
            adapters = clients[taker].adapters
            adapters[part] = learning.adopt(clients[giver].parts[part], adapters[part], clients[giver].adapters[part])[
                "adapter"
            ]
        elif act == "ask":
            learning.values(clients[about].adapters)
        else:
            options: dict[str, dict[str, Any]] = {
                "no first backward": {"first_backward": False},
                "lossy": {"up": lossy},
            }
            clients[about].step(**options.get(act, {}))
    return clients


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])  # a lab has no state
@given(program=acts, pending=st.sampled_from([1, 5, 4096]), order=st.randoms(use_true_random=False))
def test_any_program_gives_the_numbers_of_eager_whatever_is_asked_first(lab, program, pending, order) -> None:
    deferred, eager = Learning(DeferredRuntime(lab, pending=pending)), Learning(EagerRuntime(lab))
    ours, theirs = play(deferred, program), play(eager, program)
    wanted = [(c, i) for c in range(CLIENTS) for i in range(len(ours[c].adapters))]
    order.shuffle(wanted)
    for client, i in wanted:
        [found] = deferred.values([ours[client].adapters[i]])
        [expected] = eager.values([theirs[client].adapters[i]])
        assert found.step == expected.step
        torch.testing.assert_close(found.weights, expected.weights, rtol=0, atol=ADAPTER)
    losses, expected_losses = ([loss for c in clients for loss in c.losses] for clients in (ours, theirs))
    assert deferred.values(losses) == pytest.approx(eager.values(expected_losses), abs=ADAPTER)
