"""What every operation works with: the split model, its costs, the data, the optimiser. One per run, shared by all."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from training.entrance import Entrance
from training.foundation import Foundation
from training.in_flight import Room
from training.jobs import Operation
from training.keys import digest
from training.machine import Machine
from training.optimiser import Optimiser
from training.prices import Prices
from training.sequences import Sequences

if TYPE_CHECKING:
    import peft

    from training.adapters import AdapterLayout, Part, Ranks
    from training.base_model import BaseModel
    from training.costs import CostModel
    from training.split_model import SplitModel
    from training.store import Store

LIBRARIES = ("torch", "transformers", "peft", "numpy")
"""Those whose versions may change a number."""
FINGERPRINTS = ("model", "train", "held_out", "optimiser", "seed")
"""The things that results depend on."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What needs torch: the model on its device, and the cost models by ranks. Opened when first needed, if at all."""

    model: SplitModel
    costs: Callable[[Ranks | None], CostModel]
    foundation: Foundation


def open_tools(base: BaseModel, config: peft.LoraConfig, device: str, *, whole_logits: bool = False) -> Tools:
    """Adapt ``base`` (in place), bring it to the device, and prepare its cost model; a weightless one stays as it is.

    ``whole_logits`` as in ``CostModel``.

    Raises:
        ValueError: the model cannot be cut, or ``config`` asks for what is not supported.
    """
    from training.costs import CostModel  # noqa: PLC0415
    from training.export import adapter_config  # noqa: PLC0415
    from training.split_model import SplitModel  # noqa: PLC0415

    model = SplitModel.adapt(base.model, config)
    if not base.weightless:
        base.model.to(device)
    foundation = Foundation(
        name=base.name,
        sha256=base.sha256,
        blocks=model.blocks,
        hidden=int(base.config.hidden_size),
        layout=model.layout,
        adapter_config=adapter_config(config, base.name),
        whole_logits=whole_logits,
    )

    @cache
    def costs(ranks: Ranks | None) -> CostModel:
        layout = model.layout.narrowed(ranks)
        return CostModel(type(base.model), base.config, layout, whole_logits=whole_logits)

    return Tools(model=model, costs=costs, foundation=foundation)


@dataclass(frozen=True, kw_only=True)
class Lab:
    """The frozen base with its LoRA sites, and the token sequences that users hold and evaluation reads.

    ``device`` is where tensors live; ``lanes`` passes run on it side by side, with ``room`` for graphs that wait;
    ``train_rows`` and ``held_out_rows`` are where sequences enter the model.
    """

    foundation: Foundation
    tools: Callable[[], Tools]
    costs: Prices
    train: Sequences
    held_out: Sequences
    optimiser: Optimiser
    seed: int
    machine: Machine
    device: str
    room: Room
    train_rows: Entrance
    held_out_rows: Entrance

    @staticmethod
    def lay_out(
        foundation: Foundation,
        tools: Callable[[], Tools],
        *,
        train: Sequences,
        held_out: Sequences,
        optimiser: Optimiser,
        seed: int,
        machine: Machine,
        device: str,
        store: Store | None = None,
    ) -> Lab:
        """A lab on what is known of the model; ``tools`` are opened when something must be computed.

        ``device`` is the machine's, resolved.
        """
        key = digest(foundation.to_json(), *versions())
        opened = cache(tools)
        prices = Prices(key=key, hidden=foundation.hidden, measure=lambda ranks: opened().costs(ranks), store=store)
        return Lab(
            foundation=foundation,
            tools=opened,
            costs=prices,
            train=train,
            held_out=held_out,
            optimiser=optimiser,
            seed=seed,
            machine=machine,
            device=device,
            room=Room(machine.graph_bytes),
            train_rows=Entrance(train, machine.prefix_bytes),
            held_out_rows=Entrance(held_out, machine.prefix_bytes),
        )

    @staticmethod
    def open(
        base: BaseModel,
        config: peft.LoraConfig,
        *,
        train: Sequences,
        held_out: Sequences,
        optimiser: Optimiser,
        seed: int,
        machine: Machine | None = None,
    ) -> Lab:
        """A lab on a model that is loaded already and adapted in place; one thread unless ``machine`` says more."""
        machine = machine or Machine(device="cpu", threads=1)
        device = machine.resolved_device()
        tools = open_tools(base, config, device)
        return Lab.lay_out(
            tools.foundation,
            lambda: tools,
            train=train,
            held_out=held_out,
            optimiser=optimiser,
            seed=seed,
            machine=machine,
            device=device,
        )

    @property
    def model(self) -> SplitModel:
        """The split model, on its device."""
        return self.tools().model

    @property
    def layout(self) -> AdapterLayout:
        """The sites of an adapter."""
        return self.foundation.layout

    @property
    def whole(self) -> Part:
        """The unsplit model."""
        return self.foundation.whole

    @property
    def lanes(self) -> int:
        """Passes that run side by side."""
        return self.machine.lanes(self.device)

    def width(self, operation: Operation) -> int:
        """How many clients' ``operation`` go into one pass."""
        return self.machine.width(self.device, operation.tokens(), partial(operation.pass_bytes, self))

    def tokens_at_once(self, operation: Operation) -> int:
        """How many tokens of operations like ``operation`` go into one pass."""
        return self.machine.width(self.device, 1, lambda: operation.pass_bytes(self) // operation.tokens())

    def replica(self) -> Lab:
        """The same lab for another thread: all weights and data are shared."""
        tools = replace(self.tools(), model=self.model.replica())
        return replace(self, tools=lambda: tools)

    def fingerprint(self, name: str) -> str:
        """Hash of a thing that results depend on, one of `FINGERPRINTS`."""
        return self._fingerprints[name]

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        kernels = [platform.machine(), self.device.partition(":")[0]]
        return {
            "model": digest(self.foundation.sha256, repr(self.layout), *versions(), *kernels),
            "train": _hash(self.train),
            "held_out": _hash(self.held_out),
            "optimiser": repr(self.optimiser),
            "seed": str(self.seed),
        }


@cache
def versions() -> tuple[str, ...]:
    """Of the libraries that compute."""
    return tuple(f"{name} {metadata.version(name)}" for name in LIBRARIES)


def _hash(data: Sequences) -> str:
    """Of the tokens, which alone are learned from."""
    content = hashlib.sha256(np.ascontiguousarray(data.ids).data)
    content.update(np.ascontiguousarray(data.targets).data)
    return content.hexdigest()
