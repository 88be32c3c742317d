"""What is learned, from what, and how that is seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import AfterValidator, Field

from cosim.scenario.parts import OptimiserPart, Partition
from cosim.scenario.paths import FilePath
from cosim.scenario.section import Alpha, Count, Few, Fraction, Index, Section, default

if TYPE_CHECKING:
    from training.optimiser import Optimiser


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]


class Lora(Section):
    """The adapter, in PEFT's terms."""

    r: Few = 8
    alpha: Alpha = 16
    targets: Annotated[tuple[str, ...], Field(min_length=1)] = ("c_attn",)
    layers: Annotated[tuple[Index, ...], Field(min_length=1)] | None = default(
        None, "PEFT's layers_to_transform: the blocks that are adapted, counted from 0; else all"
    )
    rank_pattern: dict[Pattern, Count] = default({}, "another r for matrices with such names: {h.0.attn.c_attn: 4}")
    alpha_pattern: dict[Pattern, Alpha] = default({}, "another alpha for matrices with such names")
    dropout: Fraction = default(0.0, "share of what enters the adapter that a training step leaves out")


class Model(Section):
    """The base model, by shipped name, local folder or hub name, what it is to learn, and its adapter."""

    base: FilePath = "tiny-gpt2"
    task: Literal["causal_lm", "sequence_classification"] = default(
        "causal_lm", "predict next tokens, or the class of each row of a table, under a head that is trained in full"
    )
    lora: Lora = Lora()
    logits: Literal["chunked", "whole"] = default(
        "chunked", "held at a node for the loss: by chunks; or all at once, as usual code does, for the same numbers"
    )

    @property
    def classifies(self) -> bool:
        """Whether the base model becomes a classifier."""
        return self.task == "sequence_classification"


class Data(Section):
    """The corpus, and who holds which part of it."""

    corpus: FilePath = default("python-docs", "a shipped name, a path, or hub:owner/name")
    validation: FilePath | None = default(None, "held-out texts of the same kind; else a tenth is held out")
    text_column: str = "text"
    author_column: str | None = None
    label_column: str | None = None
    partition: Partition = Partition()
    sequences: Literal["pack", "pad"] = default(
        "pack", "an author's texts in one stream, or a passage a row; rows to classify are padded"
    )
    batch_size: Few = 4
    sequence_length: int = default(64, "tokens", ge=2, le=10**6, strict=True)


class Training(Section):
    """The optimiser, one for each part of the model at each entity."""

    lr: float = default(2e-3, ge=0, strict=True)
    weight_decay: float = default(0.0, ge=0, strict=True)
    optimiser: OptimiserPart = OptimiserPart()

    def build(self) -> Optimiser:
        """The optimiser.

        Raises:
            ValueError: it cannot be made.
        """
        return cast("Optimiser", self.optimiser.build(lr=self.lr, weight_decay=self.weight_decay))


class Evaluation(Section):
    """The observer's evaluation on held-out text; it takes no simulated time."""

    every: Count = default(1, "rounds between evaluations; the last round is always evaluated")
    sequences: Count = default(64, "held-out sequences to evaluate on, or as many as there are")
