"""What every scheme is made of: stages that train, and rounds that are observed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import simpy

from cosim.clock import Process
from cosim.memory_needs import MemoryNeeds
from cosim.nodes import Edge, Node, User
from cosim.recorder import EVERYBODY
from cosim.schemes.options import SchemeOptions
from cosim.schemes.packing import Packing
from cosim.schemes.stage import Round, Stage
from cosim.schemes.telling import Acts, Telling
from cosim.world import World
from training.jobs import HELD

if TYPE_CHECKING:
    from cosim.schemes.places import Load
    from training.adapters import Part
    from training.jobs import Job, Ref
    from training.learning import Learning
    from training.steps import Batch


class Scheme(Telling, ABC):
    """Subclasses tell the ``story``; time, bytes, memory and energy are kept by what the story's acts go through."""

    Options: ClassVar[type[SchemeOptions]] = SchemeOptions
    ranks_may_differ: ClassVar[bool] = True
    """Whether users with adapters of different ranks can take part."""

    def __init__(self, world: World, learning: Learning, options: Any, observe: Callable[[Round], None]) -> None:
        self.world = world
        self.learning = learning
        self.options = options
        self.last_round = self.local_steps = 0
        self.plan: dict[str, float] = {}
        self.packing = Packing(world=world, learning=learning, compressors=options.compression.compressors())
        self.needs = MemoryNeeds(world, learning, self.packing)
        self.take(options.rounds, options.local_steps or 1)
        self._observe = observe
        self._round = Round(number=0, adapters=())
        self._stages: list[Stage] = []
        world.on_crash.append(self.crashed)

    def take(self, rounds: int, local_steps: int) -> None:
        """Learn for so many rounds, of so many mini-batches of each user."""
        self.last_round, self.local_steps = rounds, local_steps
        self.world.network.sizes = self.world.payloads.sizes(local_steps)

    @abstractmethod
    def story(self) -> Acts:
        """The whole training, from the first round to the last."""

    @abstractmethod
    def model(self) -> Sequence[Ref]:
        """The adapters, part by part, of the model as it would be used now."""

    def load(self) -> Load:
        """What nodes do at the same time, by which it is known before a run whether their memory is enough.

        Raises:
            NotImplementedError: unless a subclass says so, a scheme runs only where no memory is limited.
        """
        raise NotImplementedError(f"{type(self).__name__}.load")

    def states(self) -> Sequence[Ref]:
        """With the model's adapters, all that the next round goes on from: of stages, and what is yet to be sent."""
        return [*(stage.adapter for stage in self._stages), *self.packing.states]

    def rounds(self) -> Iterator[int]:
        """Count the rounds; the observer sees the model before the first and after each."""
        self._observe(Round(number=0, adapters=self.model()))
        for number in range(1, self.last_round + 1):
            self._round = Round(number=number, adapters=(), last=number == self.last_round)
            self.world.recorder.story.round = self.world.recorder.round = number
            yield number
            self._round.adapters = self.model()
            self._round.states = self.states()
            self._observe(self._round)

    def batches(self, user: User) -> Iterator[Batch]:
        """The user's mini-batches of this round, the same in every scheme in which all take part in each."""
        return self.batches_from(user, (self._round.number - 1) * self.local_steps, self.local_steps)

    def batches_from(self, user: User, first: int, count: int) -> Iterator[Batch]:
        """The user's mini-batches ``first .. first+count-1``, counted over the whole run."""
        for step in range(count):
            self.world.recorder.story.step = step
            index = first + step
            yield self.learning.batch(self.world.batch_rows(user, index), self.world.mask_draw(user, index))

    def stage(
        self, node: Node, part: Part, owner: str, samples: int, rank: int | None = None, *, idle: bool = False
    ) -> Stage:
        """Place ``part`` at ``node``: its frozen weights are held there, and ``owner``'s adapter starts.

        ``rank`` is the most that a matrix of it has; None for the model's. An ``idle`` stage holds nothing until it is
        taken up.
        """
        ranks = self.learning.at_most(rank)
        stage = Stage(node, part, self.learning.start(part, f"{node.name} {part} {owner}", ranks), samples)
        self._stages.append(stage)
        self.packing.placed(stage)
        if not idle:
            self.take_up(stage)
        return stage

    def take_up(self, stage: Stage) -> None:
        """The stage's frozen weights are held in memory from now on; its training state is from its next step on."""
        stage.node.host(self.placed(stage), self.learning.weight_bytes(self.placed(stage)))

    def put_away(self, stage: Stage) -> None:
        """Weights and training state go to storage, from which they come back unchanged, in no time."""
        stage.node.put_away(self.placed(stage), *self.packing.lineages(stage))

    def placed(self, stage: Stage) -> Part:
        """Whose frozen weights the stage's node holds: those of its part, unless it may come to have another."""
        return stage.part

    def chain_of(self, user: User) -> Sequence[Stage]:
        """The stages of the user's mini-batches now, if some are at edge servers; none, unless a subclass says so."""
        return ()

    def crashed(self, edge: Edge) -> None:
        """The edge server has lost what it held: its stages begin afresh, and users that trained with it stop."""
        for stage in self._stages:
            if stage.node is edge:
                stage.adapter = self.learning.start(stage.part, stage.adapter.lineage, stage.adapter.output.ranks)
                self.packing.lost(stage)
        for user in self.world.users:
            if any(stage.node is edge for stage in self.chain_of(user)):
                user.stop(f"{edge.name} crashed")

    def train_step(self, chain: Sequence[Stage], batch: Batch) -> Acts:
        """One mini-batch through the stages of ``chain`` and back; every stage takes an optimiser step.

        A stage that several users share takes their steps in the order in which their activations arrive.
        """
        forwards: list[tuple[Node, Job]] = []
        try:
            yield from self._pass_through(chain, batch, forwards)
        except simpy.Interrupt:
            for node, job in forwards:
                node.abandon(job)
            raise

    def _pass_through(self, chain: Sequence[Stage], batch: Batch, forwards: list[tuple[Node, Job]]) -> Acts:
        """The acts of a step; ``forwards`` are those that wait for their backward."""
        learn = self.learning
        arrived: list[Ref] = []
        labels: list[Ref] = []
        for stage, following in pairwise(chain):
            job = learn.forward(stage.part, stage.adapter, batch, arrived)
            forwards.append((stage.node, job))
            yield stage.node.compute(job)
            labels = labels or [job["labels"]]
            cut = following.part.first
            arrived = [(yield from self.packing.smashed(stage.node, "activations", job["activation"], batch, cut))]
            yield from self.send(stage.node, following.node, *arrived, *labels)

        job = yield from self.last_turn(chain, batch, [*arrived, *labels])
        self._round.losses.append(job["loss"])
        self._round.clients.append(chain[0].node.name)
        self._round.samples += len(batch.rows)
        del arrived, labels  # a story that kept what it has sent would keep the state that this comes from

        for stage, following in reversed(list(pairwise(chain))):
            cut = following.part.first
            gradient = yield from self.packing.smashed(following.node, "gradients", job["gradient"], batch, cut)
            yield from self.send(following.node, stage.node, gradient)
            job = learn.backward(stage.part, stage.adapter, batch, forwards.pop()[1][HELD], gradient)
            stage.adapter = job["adapter"]
            del gradient
            yield stage.node.compute(job)

    def last_turn(
        self, chain: Sequence[Stage], batch: Batch, arrived: Sequence[Ref]
    ) -> Generator[simpy.Event, Any, Job]:
        """The last stage's turn: forward, loss, backward and step, at once; ``arrived`` are activation and labels."""
        last = chain[-1]
        job = self.learning.loss_and_backward(last.part, last.adapter, batch, arrived)
        last.adapter = job["adapter"]
        yield last.node.compute(job)
        return job

    def send(self, origin: Node, destination: Node, *refs: Ref) -> Acts:
        """Carry payloads from node to node as one message."""
        return self.world.network.send(origin, destination, refs)

    def hand_over(self, adapter: Ref, origin: Node, stage: Stage) -> Acts:
        """Send ``adapter`` to ``stage``, which takes over its weights."""
        sent = adapter if origin is stage.node else (yield from self.packing.on(origin, stage, adapter))
        yield from self.send(origin, stage.node, sent)
        yield from self.adopt(stage, sent)

    def adopt(self, stage: Stage, adapter: Ref) -> Acts:
        """The stage takes over the weights of ``adapter``, which has arrived; it keeps its own optimiser moments."""
        job = self.learning.adopt(stage.part, stage.adapter, adapter)
        stage.adapter = job["adapter"]
        self.packing.took(stage, adapter)
        stage.began = adapter
        yield stage.node.compute(job)

    def tell(self) -> Process:
        """Start the story."""
        return self._tell(self.story(), EVERYBODY)
