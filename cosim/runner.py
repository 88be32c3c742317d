"""The main loop: build a world, let the story happen, collect what it left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from channel_models.randomness import Stream
from channel_models.transfer import TransferNeverFinishes
from cosim.observer import Observer, Row
from cosim.scenario.entries import Entry
from cosim.scenario.errors import ScenarioError
from cosim.scenario.models import Scenario
from cosim.world import World, build_world

if TYPE_CHECKING:
    import peft

    from training.base_model import BaseModel
    from training.jobs import Runtime
    from training.lab import Lab


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run, finished or interrupted, with all that its results are made of."""

    scenario: Scenario
    entry: Entry
    world: World
    runtime: Runtime
    observer: Observer
    base: BaseModel
    corpus_sha256: str
    lora: peft.LoraConfig
    wall_time_s: float
    finished: bool


def run(scenario: Scenario, entry: Entry, tell: Callable[[Row], None] = lambda _: None) -> Run:
    """Run one scheme; ``tell`` hears of every round. Ctrl-C ends the run early, with the rounds it has.

    Raises:
        ScenarioError: the scenario asks for something that its corpus, model or radio cannot give.
    """
    from training.jobs import RUNTIMES  # noqa: PLC0415 - torch comes with it, and only runs need it
    from training.learning import Learning  # noqa: PLC0415

    began = time.perf_counter()
    try:
        lab, base, corpus_sha256, lora, rows = _prepare(scenario)
        runtime = RUNTIMES[scenario.execution](lab)
        learning = Learning(runtime)
        world = build_world(scenario, runtime, rows)
        observer = Observer(world, learning, scenario.evaluation, entry.options.rounds, tell)
        scheme = entry.scheme(world, learning, entry.options, observer)
    except ValueError as error:
        raise ScenarioError(f"{scenario.name}: {error}") from error

    finished = True
    try:
        world.clock.run(scheme.tell())
    except TransferNeverFinishes as error:
        raise ScenarioError(f"{scenario.name}: {error}") from error
    except KeyboardInterrupt:
        finished = False
    return Run(
        scenario=scenario,
        entry=entry,
        world=world,
        runtime=runtime,
        observer=observer,
        base=base,
        corpus_sha256=corpus_sha256,
        lora=lora,
        wall_time_s=time.perf_counter() - began,
        finished=finished,
    )


def _prepare(scenario: Scenario) -> tuple[Lab, BaseModel, str, peft.LoraConfig, list]:  # type: ignore[type-arg]
    """The laboratory, and which rows of its training sequences each user holds."""
    import peft  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from training.base_model import load_base  # noqa: PLC0415
    from training.corpora import by_passage, load_corpus  # noqa: PLC0415
    from training.lab import Lab  # noqa: PLC0415
    from training.optimiser import AdamW  # noqa: PLC0415
    from training.sequences import pack, pad  # noqa: PLC0415

    torch.set_num_threads(1)  # the same numbers on every machine, and cores left for other runs
    data, wanted = scenario.data, scenario.model.lora
    base = load_base(scenario.model.base)
    corpus = load_corpus(
        data.corpus,
        text_column=data.text_column,
        author_column=data.author_column,
        label_column=data.label_column,
        validation=data.validation,
    )
    if data.sequences == "pack":
        train = pack(corpus.train, base.tokenizer, data.sequence_length)
    else:
        train = pad(by_passage(corpus.train), base.tokenizer, data.sequence_length)
    held_out = pack(corpus.held_out, base.tokenizer, data.sequence_length)
    lora = peft.LoraConfig(
        r=wanted.r, lora_alpha=wanted.alpha, target_modules=list(wanted.targets), task_type="CAUSAL_LM"
    )
    lab = Lab.open(
        base,
        lora,
        train=train,
        held_out=held_out.spread(scenario.evaluation.sequences),
        optimiser=AdamW(lr=scenario.training.lr, weight_decay=scenario.training.weight_decay),
        seed=Stream(scenario.seed, "adapter").seed_of(0, 0),
    )
    partition_seed = Stream(scenario.seed, "partition").seed_of(0, 0)
    rows = data.partition.build().assign(train, scenario.users.count, partition_seed)
    return lab, base, corpus.sha256, lora, rows
