"""What every operation works with: the split model, its costs, the data, the optimiser. One per run, shared by all."""

from __future__ import annotations

from dataclasses import dataclass

import peft

from training.base_model import BaseModel
from training.costs import CostModel
from training.optimiser import AdamW
from training.sequences import Sequences
from training.split_model import SplitModel


@dataclass(frozen=True, kw_only=True)
class Lab:
    """The frozen base with its LoRA sites, and the token sequences that users hold and evaluation reads."""

    model: SplitModel
    costs: CostModel
    train: Sequences
    held_out: Sequences
    optimiser: AdamW
    seed: int

    @staticmethod
    def open(
        base: BaseModel, config: peft.LoraConfig, *, train: Sequences, held_out: Sequences, optimiser: AdamW, seed: int
    ) -> Lab:
        """Adapt ``base`` (in place) and prepare its cost model."""
        model = SplitModel.adapt(base.model, config)
        costs = CostModel(type(base.model), base.config, model.layout)
        return Lab(model=model, costs=costs, train=train, held_out=held_out, optimiser=optimiser, seed=seed)
