"""LoRA (Hu et al. 2021, arXiv 2106.09685) on a frozen decoder: which matrices are adapted, and how they are applied.

PEFT decides what a ``LoraConfig`` means: its own injection runs once on a weightless copy of the model, and the sites
are read off the result. The weights of every client are values outside the model, so one frozen base serves them all.
``adapters`` has the layout of their weights; ``stacked`` applies them.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Sequence
from dataclasses import fields

import peft
import torch
from peft.tuners.lora import LoraLayer, LoraModel
from peft.utils.other import get_pattern_key
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from training.adapters import AdapterLayout, HeadSite, LoraSite

_UNSUPPORTED = {
    "use_dora": "DoRA",
    "lora_bias": "trainable LoRA biases",
    "modules_to_save": "fully trained modules",
    "trainable_token_indices": "trainable tokens",
    "layer_replication": "layer replication",
    "target_parameters": "LoRA on bare parameters",
    "use_qalora": "QALoRA",
}
"""Options of PEFT that would change the numbers and are refused by name, as are those that PEFT marks as variants."""

HEAD = "score"
"""What Hugging Face's decoders call the head of their classifiers."""

_USUAL_DEVIATION = 0.02
"""What Hugging Face takes where a configuration does not say."""


def find_sites(model: PreTrainedModel, config: peft.LoraConfig, blocks_path: str) -> AdapterLayout:
    """Which matrices PEFT would adapt under ``config``, in the order of blocks; PEFT completes ``config`` in place.

    For its task SEQ_CLS the classifier's head comes last, which PEFT then trains in full.

    Raises:
        ValueError: an unsupported option, a target outside the blocks, targets, layers or a pattern without a match, or
            a classifier whose head is not known here.
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
    _require_matches(sites, config)
    heads = [_head(model)] if config.task_type == peft.TaskType.SEQ_CLS else []
    return AdapterLayout((*sorted(sites, key=lambda site: site.block), *heads))


def _require_matches(sites: Sequence[LoraSite], config: peft.LoraConfig) -> None:
    """PEFT passes over a pattern or a layer that is not there; a misspelt one would go unnoticed."""
    for option in ("rank_pattern", "alpha_pattern"):
        patterns = getattr(config, option)
        unused = set(patterns) - {get_pattern_key(patterns, site.path) for site in sites}
        if unused:
            one = sites[0].path.partition(".")[2]
            raise ValueError(f"model.lora.{option}: {min(unused)!r} matches no adapted matrix, such as {one!r}")
    layers = config.layers_to_transform
    absent = set([layers] if isinstance(layers, int) else layers or ()) - {site.block for site in sites}
    if absent:
        raise ValueError(f"model.lora.layers: block {min(absent)} has no matrix of model.lora.targets, or is not there")


def _site(name: str, layer: LoraLayer, config: peft.LoraConfig, blocks_path: str) -> LoraSite:
    inside = re.match(re.escape(blocks_path) + r"\.(\d+)\.", name)
    if inside is None or not isinstance(layer.get_base_layer(), nn.Linear | Conv1D):
        raise ValueError(f"model.lora.targets = {_targets(config)!r}: {name} is not a linear layer inside a block")
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    return LoraSite(
        path=name,
        block=int(inside.group(1)),
        inputs=down.shape[1],
        outputs=up.shape[0],
        rank=down.shape[0],
        scale=float(layer.scaling["default"]),
        dropout=config.lora_dropout,
    )


def _head(model: PreTrainedModel) -> HeadSite:
    head = getattr(model, HEAD, None)
    if not isinstance(head, nn.Linear) or getattr(head, "bias", None) is not None:
        raise ValueError(f"model.base: {type(model).__name__} has no linear head {HEAD!r} for classes")
    config = model.config
    return HeadSite(
        path=HEAD,
        block=config.num_hidden_layers - 1,
        inputs=head.in_features,
        outputs=head.out_features,
        deviation=_deviation(config),
    )


def _deviation(config: PreTrainedConfig) -> float:
    """Of the normal start of a linear layer, by whichever name the family gives it."""
    named = (getattr(config, name, None) for name in ("initializer_range", "init_std"))
    return next((float(value) for value in named if value), _USUAL_DEVIATION)


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
