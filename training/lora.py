"""LoRA (Hu et al. 2021, arXiv 2106.09685) on a frozen decoder: which matrices are adapted, and how they are applied.

PEFT decides what a ``LoraConfig`` means: its own injection runs once on a weightless copy of the model, and the sites
are read off the result. The weights of every client are values outside the model, so one frozen base serves them all.
Here stand the sites and the layout of their weights; ``stacked`` applies them.
"""

from __future__ import annotations

import copy
import math
import re
import warnings
from dataclasses import dataclass, fields
from functools import cached_property

import peft
import torch
from peft.tuners.lora import LoraLayer, LoraModel
from torch import Tensor, nn
from transformers import PreTrainedModel

_UNSUPPORTED = {
    "use_dora": "DoRA",
    "lora_bias": "trainable LoRA biases",
    "modules_to_save": "fully trained modules",
    "lora_dropout": "LoRA dropout",
    "trainable_token_indices": "trainable tokens",
    "layer_replication": "layer replication",
    "target_parameters": "LoRA on bare parameters",
    "use_qalora": "QALoRA",
}
"""Options of PEFT that would change the numbers and are refused by name, as are those that PEFT marks as variants."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Blocks ``first .. last-1`` of the decoder; the first part has the embeddings, the last the norm and the head."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}:{self.last}"


@dataclass(frozen=True, kw_only=True)
class LoraSite:
    """One adapted matrix: y = x W + b + scale * (x A^T) B^T with A (rank, inputs) and B (outputs, rank)."""

    path: str
    block: int
    inputs: int
    outputs: int
    rank: int
    scale: float

    @property
    def parameters(self) -> int:
        """Numbers in A and B together."""
        return self.rank * (self.inputs + self.outputs)


@dataclass(frozen=True)
class AdapterLayout:
    """All sites of an adapter, ordered by block: an adapter is one flat vector, and a part of it is one slice."""

    sites: tuple[LoraSite, ...]

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each site begins in the flat vector; one more entry for its length."""
        ends = [0]
        for site in self.sites:
            ends.append(ends[-1] + site.parameters)
        return tuple(ends)

    def sites_of(self, part: Part) -> tuple[LoraSite, ...]:
        """The sites in the blocks of ``part``."""
        return tuple(site for site in self.sites if part.first <= site.block < part.last)

    def slice_of(self, part: Part) -> slice:
        """Where the sites of ``part`` lie in the flat vector."""
        inside = [i for i, site in enumerate(self.sites) if part.first <= site.block < part.last]
        if not inside:
            return slice(0, 0)
        return slice(self.offsets[inside[0]], self.offsets[inside[-1] + 1])

    def parameters(self, part: Part) -> int:
        """Length of the flat vector of ``part``."""
        return sum(site.parameters for site in self.sites_of(part))

    def matrices(self, part: Part, flat: Tensor) -> list[Tensor]:
        """Views A1 (n, rank, inputs), B1 (n, outputs, rank), A2, ... into the rows of ``flat`` (n, parameters)."""
        views, offset = [], 0
        for site in self.sites_of(part):
            for shape in ((site.rank, site.inputs), (site.outputs, site.rank)):
                views.append(flat[:, offset : offset + math.prod(shape)].unflatten(1, shape))
                offset += math.prod(shape)
        return views

    def initial(self, part: Part, seed: int) -> Tensor:
        """PEFT's default start for ``part``: A Kaiming-uniform with a = sqrt(5), B zero.

        Every site draws from a generator of its own, so the start does not depend on where the model is cut.
        """
        flat = torch.zeros(self.parameters(part))
        views = self.matrices(part, flat[None])
        for site, a in zip(self.sites_of(part), views[::2], strict=True):
            generator = torch.Generator().manual_seed((seed + self.sites.index(site) * 0x9E3779B1) % 2**63)
            nn.init.kaiming_uniform_(a[0], a=math.sqrt(5), generator=generator)
        return flat


def find_sites(model: PreTrainedModel, config: peft.LoraConfig, blocks_path: str) -> AdapterLayout:
    """Which matrices PEFT would adapt under ``config``, in the order of blocks; PEFT completes ``config`` in place.

    Raises:
        ValueError: an unsupported option, no match for the targets, or a target outside the blocks.
    """
    _refuse_unsupported(config)
    with torch.device("meta"):
        weightless = type(model)(copy.deepcopy(model.config))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PEFT says that it notes in ``config`` what Conv1D layers need
            adapted = LoraModel(weightless, config, "default")
    except ValueError as error:
        reason = " ".join(str(error).split())  # PEFT prints whole modules, over several lines
        raise ValueError(f"model.lora.targets = {_targets(config)!r}: {reason}") from error
    sites = [
        _site(name, layer, config, blocks_path)
        for name, layer in adapted.model.named_modules()
        if isinstance(layer, LoraLayer)
    ]
    return AdapterLayout(tuple(sorted(sites, key=lambda site: site.block)))


def state_dict(layout: AdapterLayout, part: Part, flat: Tensor) -> dict[str, Tensor]:
    """One adapter (parameters,) in PEFT's own names and shapes, ready for ``adapter_model.safetensors``."""
    named: dict[str, Tensor] = {}
    views = layout.matrices(part, flat[None])
    for site, a, b in zip(layout.sites_of(part), views[::2], views[1::2], strict=True):
        named[f"base_model.model.{site.path}.lora_A.weight"] = a[0].contiguous()
        named[f"base_model.model.{site.path}.lora_B.weight"] = b[0].contiguous()
    return named


def _site(name: str, layer: LoraLayer, config: peft.LoraConfig, blocks_path: str) -> LoraSite:
    inside = re.match(re.escape(blocks_path) + r"\.(\d+)\.", name)
    if inside is None or "default" not in layer.lora_A:
        raise ValueError(f"model.lora.targets = {_targets(config)!r}: {name} is not a linear layer inside a block")
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    return LoraSite(
        path=name,
        block=int(inside.group(1)),
        inputs=down.shape[1],
        outputs=up.shape[0],
        rank=down.shape[0],
        scale=float(layer.scaling["default"]),
    )


def _targets(config: peft.LoraConfig) -> list[str] | str | None:
    names = config.target_modules
    return names if names is None or isinstance(names, str) else sorted(names)


def _refuse_unsupported(config: peft.LoraConfig) -> None:
    variants = {f.name: "a variant of LoRA" for f in fields(config) if f.metadata.get("is_lora_variant")}
    for option, meaning in (variants | _UNSUPPORTED).items():
        if getattr(config, option, None):
            raise ValueError(f"model.lora: {meaning} ({option}) is not supported")
    if config.bias != "none" or config.init_lora_weights is not True:
        raise ValueError("model.lora: only bias='none' and PEFT's default initialisation are supported")
