"""From a scenario to what a run learns with: base model, adapter, corpus, and who holds which part of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import peft
import torch
from numpy.typing import NDArray

from channel_models.randomness import Stream
from cosim.scenario.models import Data, Lora, Scenario
from training.allocator import keep_freed_memory
from training.base_model import BaseModel, load_base
from training.corpora import Corpus, by_passage, load_corpus
from training.lab import Lab
from training.machine import Machine
from training.optimiser import AdamW
from training.sequences import Sequences, pack, pad


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """All that learning needs; ``rows`` are the training sequences that each user holds."""

    base: BaseModel
    corpus: Corpus
    lora: peft.LoraConfig
    lab: Lab
    rows: list[NDArray[np.int64]]


def prepare(scenario: Scenario) -> Prepared:
    """Load, tokenise and deal out.

    Raises:
        ValueError: the model or the corpus is not there, or cannot give what the scenario asks for.
    """
    torch.set_num_threads(1)  # a pass has one core: the same numbers on every machine, and passes side by side
    keep_freed_memory()
    base, corpus = load_base(scenario.model.base), _corpus(scenario.data)
    train = _training_sequences(corpus, base, scenario.data)
    held_out = pack(corpus.held_out, base.tokenizer, scenario.data.sequence_length)
    lora = _lora(scenario.model.lora)
    lab = Lab.open(
        base,
        lora,
        train=train,
        held_out=held_out.spread(scenario.evaluation.sequences),
        optimiser=AdamW(lr=scenario.training.lr, weight_decay=scenario.training.weight_decay),
        seed=Stream(scenario.seed, "adapter").seed_of(0, 0),
        machine=Machine(
            device=scenario.host.device, threads=scenario.host.threads, tokens=scenario.host.tokens
        ),
    )
    seed = Stream(scenario.seed, "partition").seed_of(0, 0)
    rows = scenario.data.partition.build().assign(train, scenario.users.count, seed)
    return Prepared(base=base, corpus=corpus, lora=lora, lab=lab, rows=rows)


def _corpus(data: Data) -> Corpus:
    return load_corpus(
        data.corpus,
        text_column=data.text_column,
        author_column=data.author_column,
        label_column=data.label_column,
        validation=data.validation,
    )


def _training_sequences(corpus: Corpus, base: BaseModel, data: Data) -> Sequences:
    if data.sequences == "pack":
        return pack(corpus.train, base.tokenizer, data.sequence_length)
    return pad(by_passage(corpus.train), base.tokenizer, data.sequence_length)


def _lora(wanted: Lora) -> peft.LoraConfig:
    return peft.LoraConfig(
        r=wanted.r, lora_alpha=wanted.alpha, target_modules=list(wanted.targets), task_type="CAUSAL_LM"
    )
