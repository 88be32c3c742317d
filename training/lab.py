"""What every operation works with: the split model, its costs, the data, the optimiser. One per run, shared by all."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import metadata

import numpy as np
import peft
from numpy.typing import NDArray

from training.base_model import BaseModel
from training.costs import CostModel
from training.jobs import Operation
from training.keys import digest
from training.lora import AdapterLayout, Part
from training.machine import Machine
from training.optimiser import AdamW
from training.sequences import Sequences
from training.split_model import SplitModel

_LIBRARIES = ("torch", "transformers", "peft", "numpy")


@dataclass(frozen=True, kw_only=True)
class Lab:
    """The frozen base with its LoRA sites, and the token sequences that users hold and evaluation reads.

    ``device`` is where tensors live; ``lanes`` passes run on it side by side.
    """

    model: SplitModel
    base_sha256: str
    costs: CostModel
    train: Sequences
    held_out: Sequences
    optimiser: AdamW
    seed: int
    machine: Machine
    device: str

    @staticmethod
    def open(
        base: BaseModel,
        config: peft.LoraConfig,
        *,
        train: Sequences,
        held_out: Sequences,
        optimiser: AdamW,
        seed: int,
        machine: Machine | None = None,
    ) -> Lab:
        """Adapt ``base`` (in place), bring it to the device, and prepare its cost model."""
        machine = machine or Machine(device="cpu", threads=1)
        device = machine.resolved_device()
        model = SplitModel.adapt(base.model, config)
        base.model.to(device)
        return Lab(
            model=model,
            base_sha256=base.sha256,
            costs=CostModel(type(base.model), base.config, model.layout),
            train=train,
            held_out=held_out,
            optimiser=optimiser,
            seed=seed,
            machine=machine,
            device=device,
        )

    @property
    def layout(self) -> AdapterLayout:
        """The sites of an adapter."""
        return self.model.layout

    @property
    def whole(self) -> Part:
        """The unsplit model."""
        return self.model.whole

    @property
    def lanes(self) -> int:
        """Passes that run side by side."""
        return self.machine.lanes(self.device)

    def width(self, operation: Operation) -> int:
        """How many clients' ``operation`` go into one pass."""
        return self.machine.width(self.device, operation.tokens(), operation.pass_bytes(self))

    def replica(self) -> Lab:
        """The same lab for another thread: all weights and data are shared."""
        return replace(self, model=self.model.replica())

    @cached_property
    def train_tokens(self) -> NDArray[np.int64]:
        """Tokens of each training sequence without its padding."""
        return self.train.tokens

    def fingerprint(self, name: str) -> str:
        """Hash of a thing that results depend on: model, train, held_out, optimiser, seed."""
        return self._fingerprints[name]

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        versions = [f"{name} {metadata.version(name)}" for name in _LIBRARIES]
        kernels = [platform.machine(), self.device.partition(":")[0]]
        return {
            "model": digest(self.base_sha256, repr(self.layout), *versions, *kernels),
            "train": _hash(self.train),
            "held_out": _hash(self.held_out),
            "optimiser": repr(self.optimiser),
            "seed": str(self.seed),
        }


def _hash(data: Sequences) -> str:
    """Of the tokens, which alone are learned from."""
    content = hashlib.blake2b(np.ascontiguousarray(data.ids).data, digest_size=16)
    content.update(np.ascontiguousarray(data.targets).data)
    return content.hexdigest()
