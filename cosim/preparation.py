"""From a scenario to what a run learns with: base model, adapter, corpus, and who holds which part of it.

What takes long, loading the model and turning text into tokens, is remembered on disk by the content it was made from:
a run that finds all its results there too needs neither model nor torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from channel_models.randomness import Stream
from cosim import libraries
from cosim.scenario.learning import Data, Model
from cosim.scenario.models import Scenario
from training import model_files
from training.classes import classes_of
from training.corpora import Corpus, Texts, by_passage, read_texts
from training.foundation import Foundation
from training.keys import code_of, digest
from training.lab import Lab, Tools, open_tools, versions
from training.machine import Machine
from training.optimiser import Optimiser
from training.sequences import Sequences, classify, pack, pad
from training.store import Entry, Store

if TYPE_CHECKING:
    import peft

    from training.base_model import BaseModel


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """All that learning needs; ``rows`` are the training sequences that each user holds."""

    corpus_sha256: str
    lab: Lab
    rows: list[NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a model and a corpus come to: what is known of the model, and all tokens."""

    corpus_sha256: str
    foundation: Foundation
    train: Sequences
    held_out: Sequences


def prepare(
    scenario: Scenario, store: Store | None, threads: int | None = None, optimiser: Optimiser | None = None
) -> Prepared:
    """Load, tokenise and deal out, or find in ``store`` what that came to before.

    ``threads`` are the cores to use where the scenario does not say; ``optimiser`` stands in for the scenario's.

    Raises:
        ValueError: the model or the corpus is not there, or cannot give what the scenario asks for.
    """
    host = scenario.host
    machine = Machine(device=host.device, threads=host.threads or threads, tokens=host.tokens)
    device = machine.resolved_device()
    sources = Sources(scenario, device)
    material = sources.material(store)
    lab = Lab.lay_out(
        material.foundation,
        lambda: sources.tools,
        train=material.train,
        held_out=material.held_out.spread(scenario.evaluation.sequences),
        optimiser=optimiser or scenario.training.build(),
        seed=Stream(scenario.seed, "adapter").seed_of(0, 0),
        machine=machine,
        device=device,
        store=store,
    )
    seed = Stream(scenario.seed, "partition").seed_of(0, 0)
    rows = scenario.data.partition.build().assign(material.train, scenario.users.count, seed)
    return Prepared(corpus_sha256=material.corpus_sha256, lab=lab, rows=rows)


_LATEST: dict[str, Material] = {}
"""By key: a process that runs many scenarios of one model and corpus tokenises once, with or without a store."""
_MOST_KEPT = 2


class Sources:
    """Model and corpus of a scenario, each opened when it is first asked for, if it ever is."""

    def __init__(self, scenario: Scenario, device: str) -> None:
        self.model = scenario.model
        self.data = scenario.data
        self.device = device
        self.weightless = scenario.execution == "analytic" and model_files.lacks_weights(self.model.base)

    @cached_property
    def texts(self) -> Texts:
        """The files of the corpus."""
        data = self.data
        return read_texts(
            data.corpus,
            text_column=data.text_column,
            author_column=data.author_column,
            label_column=data.label_column,
            validation=data.validation,
        )

    @cached_property
    def corpus(self) -> Corpus:
        """Training and held-out documents."""
        return self.texts.corpus()

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """What a classifier tells apart; nothing, where text is continued."""
        return classes_of(self.corpus) if self.model.classifies else ()

    @cached_property
    def base(self) -> BaseModel:
        """The base model, loaded."""
        libraries.load("torch", "transformers", "peft")
        import torch  # noqa: PLC0415

        from training.allocator import keep_freed_memory  # noqa: PLC0415
        from training.base_model import load_base  # noqa: PLC0415

        torch.set_num_threads(1)  # a pass has one core: the same numbers on every machine, and passes side by side
        keep_freed_memory()
        return load_base(self.model.base, len(self.classes) or None, weights=not self.weightless)

    @cached_property
    def tools(self) -> Tools:
        """The base model, adapted."""
        whole_logits = self.model.logits == "whole"
        return open_tools(self.base, lora_config(self.model), self.device, whole_logits=whole_logits)

    def material(self, store: Store | None) -> Material:
        """What is needed of model and corpus; neither is opened where ``store``, or this process, has it."""
        files, data = model_files.fingerprint(self.model.base), self.data
        if files is None:  # of the hub: nobody knows whether it has changed
            return self._made()
        key = digest(
            code_of(Material), files, repr(self.model), data.sequences, str(data.sequence_length), *versions(),
            *self.texts.fingerprint(),
        )  # fmt: skip
        found = _LATEST.pop(key, None)
        if found is None:
            entry = None if store is None else store.get(key)
            found = self._made() if entry is None else _read(entry)
        if store is not None and key not in store:
            store.put(key, *_written(found))
        _LATEST[key] = found
        while len(_LATEST) > _MOST_KEPT:
            del _LATEST[next(iter(_LATEST))]
        return found

    def _made(self) -> Material:
        train, held_out = _sequences(self.corpus, self.base, self.data, self.classes)
        return Material(
            corpus_sha256=self.corpus.sha256, foundation=self.tools.foundation, train=train, held_out=held_out
        )


def lora_config(model: Model) -> peft.LoraConfig:
    """The adapter in PEFT's words."""
    import peft  # noqa: PLC0415

    wanted = model.lora
    return peft.LoraConfig(
        r=wanted.r,
        lora_alpha=wanted.alpha,
        lora_dropout=wanted.dropout,
        target_modules=list(wanted.targets),
        layers_to_transform=None if wanted.layers is None else list(wanted.layers),
        rank_pattern=dict(wanted.rank_pattern),
        alpha_pattern=dict(wanted.alpha_pattern),
        task_type="SEQ_CLS" if model.classifies else "CAUSAL_LM",
    )


def _sequences(corpus: Corpus, base: BaseModel, data: Data, classes: Sequence[str]) -> tuple[Sequences, Sequences]:
    """Training and held-out sequences: rows to classify where there are ``classes``, else text to continue."""
    tokenizer, length = base.tokenizer, data.sequence_length
    if classes:
        train, held_out = (classify(part, tokenizer, length, classes) for part in (corpus.train, corpus.held_out))
        return train, held_out
    held_out = pack(corpus.held_out, tokenizer, length)
    if data.sequences == "pack":
        return pack(corpus.train, tokenizer, length), held_out
    return pad(by_passage(corpus.train), tokenizer, length), held_out


_ARRAYS = ("ids", "targets", "tokens", "author", "label")


def _written(material: Material) -> tuple[dict[str, NDArray[np.int64]], dict[str, str]]:
    arrays: dict[str, NDArray[np.int64]] = {}
    facts = {"corpus": material.corpus_sha256, "foundation": material.foundation.to_json()}
    for part in ("train", "held_out"):
        data: Sequences = getattr(material, part)
        arrays |= {f"{part} {name}": getattr(data, name) for name in _ARRAYS}
        facts |= {f"{part} {name}": json.dumps(getattr(data, name)) for name in ("authors", "labels")}
    return arrays, facts


def _read(entry: Entry) -> Material:
    return Material(
        corpus_sha256=entry.facts["corpus"],
        foundation=Foundation.from_json(entry.facts["foundation"]),
        train=_read_sequences(entry, "train"),
        held_out=_read_sequences(entry, "held_out"),
    )


def _read_sequences(entry: Entry, part: str) -> Sequences:
    arrays = {name: entry.arrays[f"{part} {name}"] for name in _ARRAYS}
    authors, labels = (tuple(json.loads(entry.facts[f"{part} {name}"])) for name in ("authors", "labels"))
    return Sequences(**arrays, authors=authors, labels=labels)
