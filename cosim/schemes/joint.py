"""A stage that several streams of mini-batches step together."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import simpy

from cosim.schemes.base import Acts, Scheme
from cosim.schemes.stage import Stage
from training.joint_steps import ADAPTER_GRADIENT

if TYPE_CHECKING:
    from training.jobs import Job, Ref
    from training.steps import Batch

_REASON = "the other streams"


class JointStage:
    """Steps along the mean of the gradients of the k-th mini-batches of all streams, once the last of them is there.

    Gradients go back to their streams without waiting; the next mini-batch of a stream waits for the step. Streams with
    fewer mini-batches are missed in the later steps. The mean is weighted by predictions, and summed in the order of
    the streams, not of arrival: the network has no part in what is learned.
    """

    def __init__(self, scheme: Scheme, stage: Stage) -> None:
        self.stage = stage
        self._scheme = scheme
        self._counts: Mapping[int, int] = {}
        self._taken: dict[int, int] = {}
        self._learned: dict[int, tuple[Ref, int]] = {}
        self._stepped: list[simpy.Event] = []

    def begin(self, counts: Mapping[int, int]) -> None:
        """A round begins, with so many mini-batches of each stream."""
        clock = self._scheme.world.clock
        self._counts, self._taken = counts, dict.fromkeys(counts, 0)
        self._stepped = [clock.event() for _ in range(max(counts.values()))]

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
        if len(self._learned) == sum(count > number for count in self._counts.values()):
            self._scheme.beside(self._step(number))
        return job

    def end(self) -> Acts:
        """Wait for the last step of the round."""
        yield from self._scheme.wait(self._stepped[-1], _REASON)

    def _step(self, number: int) -> Acts:
        gradients, predictions = zip(*(self._learned[stream] for stream in sorted(self._learned)), strict=True)
        self._learned.clear()
        job = self._scheme.learning.mean_step(self.stage.adapter, gradients, predictions)
        self.stage.adapter = job["adapter"]
        yield self.stage.node.compute(job)
        self._stepped[number].succeed()
