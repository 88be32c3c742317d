"""A stage that several streams of mini-batches step together."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import simpy

from cosim.schemes.base import Scheme
from cosim.schemes.stage import Stage
from cosim.schemes.telling import Acts
from training.joint_steps import ADAPTER_GRADIENT

if TYPE_CHECKING:
    from training.jobs import Job, Ref
    from training.steps import Batch

_REASON = "the other streams"


class JointStage:
    """Steps along the mean of the gradients of the k-th mini-batches of all streams, once the last of them is there.

    Gradients go back to their streams without waiting; the next mini-batch of a stream waits for the step. Streams with
    fewer mini-batches are missed in the later steps. The mean is weighted by predictions, and summed in the order of
    the streams, not of arrival: the network has no part in what is learned. Who leaves is missed from then on.
    """

    def __init__(self, scheme: Scheme, stage: Stage) -> None:
        self.stage = stage
        self._scheme = scheme
        self._counts: Mapping[int, int] = {}
        self._taken: dict[int, int] = {}
        self._given: dict[int, int] = {}
        self._begun = 0
        self._learned: dict[int, tuple[Ref, int]] = {}
        self._stepped: list[simpy.Event] = []

    def begin(self, counts: Mapping[int, int]) -> None:
        """A round begins, with so many mini-batches of each stream."""
        clock = self._scheme.world.clock
        self._counts, self._taken, self._given = counts, dict.fromkeys(counts, 0), dict.fromkeys(counts, 0)
        self._begun = 0
        self._learned.clear()
        self._stepped = [clock.event() for _ in range(max(counts.values(), default=0))]

    def turn(self, stream: int, batch: Batch, arrived: Sequence[Ref]) -> Generator[simpy.Event, Any, Job]:
        """The stream's next mini-batch: forward, loss and backward; with the last one of a step, the step."""
        number, stage = self._taken[stream], self.stage
        self._taken[stream] += 1
        if number:
            yield from self._scheme.wait(self._stepped[number - 1], _REASON)
        learning = self._scheme.learning
        job = learning.loss_and_gradient(stage.part, stage.adapter, batch, arrived)
        yield stage.node.compute(job)
        self._learned[stream] = job[ADAPTER_GRADIENT], learning.predictions(batch)
        self._given[stream] += 1
        self._step_if_all_are_there()
        return job

    def leave(self, stream: int) -> None:
        """No more mini-batches of the stream will come; what it has given counts."""
        self._counts = {**self._counts, stream: self._given[stream]}
        self._step_if_all_are_there()

    def end(self) -> Acts:
        """Wait for the last step of the round, if there was any."""
        steps = max(self._counts.values(), default=0)
        if steps:
            yield from self._scheme.wait(self._stepped[steps - 1], _REASON)

    def _step_if_all_are_there(self) -> None:
        awaited = sum(count > self._begun for count in self._counts.values())
        if awaited and len(self._learned) == awaited:
            learned = [self._learned[stream] for stream in sorted(self._learned)]
            self._learned.clear()
            self._scheme.beside(self._step(self._begun, learned))
            self._begun += 1

    def _step(self, number: int, learned: Sequence[tuple[Ref, int]]) -> Acts:
        gradients, predictions = zip(*learned, strict=True)
        job = self._scheme.learning.mean_step(self.stage.adapter, gradients, predictions)
        self.stage.adapter = job["adapter"]
        yield self.stage.node.compute(job)
        self._stepped[number].succeed()
