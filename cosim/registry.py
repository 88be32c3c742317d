"""Replaceable parts by name: each family's members, and where their code is.

A scenario names a part by the short name here, or by ``package.module:Name`` for a user's own. The code is imported
when it is used, so that checking names stays quick.
"""

from __future__ import annotations

import importlib
import logging
from functools import cache
from multiprocessing import parent_process
from typing import Any

_LOG = logging.getLogger(__name__)

FAMILIES: dict[str, dict[str, str]] = {
    "schemes": {
        "splitfed": "cosim.schemes.splitfed:SplitFed",
        "federated": "cosim.schemes.federated:Federated",
        "split_learning": "cosim.schemes.split_learning:SplitLearning",
        "fedsllm": "cosim.schemes.fedsllm:FedsLLM",
        "fedlora": "cosim.schemes.fedlora:FedLora",
        "cellm": "cosim.schemes.cellm:Cellm",
        "federated_select": "cosim.schemes.federated_select:FederatedSelect",
        "sparse_adapter": "cosim.schemes.sparse_adapter:SparseAdapter",
        "adapter_lth": "cosim.schemes.adapter_lth:AdapterLth",
        "ffa_lora": "cosim.schemes.ffa_lora:FfaLora",
        "splitllm": "cosim.schemes.splitllm:SplitLLM",
        "splitft": "cosim.schemes.splitft:SplitFT",
        "centralised": "cosim.schemes.centralised:Centralised",
    },
    "access": {
        "equal_share": "cosim.access.equal_share:EqualShare",
        "dedicated": "cosim.access.dedicated:Dedicated",
        "round_robin": "cosim.access.round_robin:RoundRobin",
        "proportional_fair": "cosim.access.proportional_fair:ProportionalFair",
        "tdma": "cosim.access.tdma:Tdma",
        "max_rate": "cosim.access.max_rate:MaxRate",
    },
    "allocation": {
        "equal": "cosim.allocation.equal:EqualBands",
        "fedsllm": "cosim.allocation.fedsllm:OptimalBands",
        "fixed_accuracy": "cosim.allocation.fixed_accuracy:FixedAccuracy",
        "random": "cosim.allocation.random_bands:RandomBands",
        "sfllm": "cosim.allocation.sfllm_bands:Subchannels",
        "tdma": "cosim.allocation.tdma:InTurn",
    },
    "aggregation": {
        "fedbuff": "cosim.aggregation.fedbuff:FedBuff",
        "fedasync": "cosim.aggregation.fedasync:FedAsync",
    },
    "pairing": {
        "round_robin": "cosim.pairing.round_robin:RoundRobin",
        "attachment": "cosim.pairing.attachment:Attachment",
    },
    "cuts": {
        "fixed": "cosim.cuts.fixed:Fixed",
        "performance": "cosim.cuts.performance:Performance",
        "sign": "cosim.cuts.sign:Sign",
        "resource": "cosim.cuts.resource:Resource",
        "performance_and_resource": "cosim.cuts.performance_and_resource:PerformanceAndResource",
        "optimal_delay": "cosim.cuts.optimal_delay:OptimalDelay",
    },
    "interference": {
        "none": "cosim.interference:NoInterference",
        "constant": "cosim.interference:ConstantInterference",
        "active": "cosim.interference:ActiveInterference",
    },
    "pathloss": {
        "macro": "channel_models.pathloss:MacroPathLoss",
        "uma": "channel_models.outdoor:UrbanMacro",
        "umi": "channel_models.outdoor:UrbanMicro",
        "rma": "channel_models.outdoor:RuralMacro",
        "inh": "channel_models.indoor:IndoorOffice",
        "inf": "channel_models.indoor:IndoorFactory",
        "log_distance": "channel_models.pathloss:LogDistance",
        "free_space": "channel_models.pathloss:FreeSpace",
    },
    "fading": {
        "rayleigh": "channel_models.fading:BlockRayleigh",
        "rician": "channel_models.fading:BlockRician",
        "nakagami": "channel_models.fading:BlockNakagami",
        "jakes": "channel_models.doppler:Jakes",
        "gauss_markov": "channel_models.doppler:GaussMarkov",
        "none": "channel_models.fading:NoFading",
    },
    "rate": {
        "shannon": "channel_models.rates:Shannon",
        "truncated_shannon": "channel_models.rates:TruncatedShannon",
        "cqi": "channel_models.cqi:CqiRate",
    },
    "layout": {
        "separate": "channel_models.layout:Separate",
        "line": "channel_models.layout:Line",
        "hexagonal": "channel_models.layout:Hexagonal",
        "places": "channel_models.layout:Places",
    },
    "mobility": {
        "static": "channel_models.mobility:Static",
        "random_waypoint": "channel_models.mobility:RandomWaypoint",
        "random_walk": "channel_models.mobility:RandomWalk",
        "recorded": "channel_models.recorded_mobility:RecordedMobility",
    },
    "availability": {
        "always": "channel_models.availability:AlwaysOn",
        "on_off": "channel_models.availability:MarkovOnOff",
        "recorded": "channel_models.recorded_availability:RecordedAvailability",
    },
    "papers": {
        "fedsllm": "cosim.reproduce.papers.fedsllm:FedsLLM",
        "sfllm": "cosim.reproduce.papers.sfllm:SflLLM",
        "splitllm": "cosim.reproduce.papers.splitllm:SplitLLM",
        "splitft": "cosim.reproduce.papers.splitft:SplitFT",
        "cellm": "cosim.reproduce.papers.cellm:Cellm",
    },
    "trackers": {
        "tensorboard": "cosim.tracking.tensorboard:TensorBoard",
        "mlflow": "cosim.tracking.mlflow:MLflow",
        "wandb": "cosim.tracking.wandb:WandB",
    },
    "optimiser": {
        "adamw": "training.optimiser:AdamW",
        "sgd": "training.optimiser:Sgd",
    },
    "compression": {
        "none": "training.compression.exact:Exact",
        "top_k": "training.compression.top_k:TopK",
        "random_k": "training.compression.random_k:RandomK",
        "magnitude_mask": "training.compression.magnitude_mask:MagnitudeMask",
        "int8": "training.compression.quantised:Int8",
        "int4": "training.compression.quantised:Int4",
        "half": "training.compression.half:Half",
        "low_rank": "training.compression.low_rank:LowRank",
    },
    "partition": {
        "natural": "training.partition:Natural",
        "iid": "training.partition:Iid",
        "dirichlet": "training.partition:Dirichlet",
        "length": "training.partition:LengthDirichlet",
    },
}


def check(family: str, name: str) -> str:
    """``name`` itself, if it is in ``family`` or has the form of a reference.

    Raises:
        ValueError: neither.
    """
    members = FAMILIES[family]
    if name in members or ":" in name:
        return name
    raise ValueError(f"not one of {', '.join(members)}, nor a reference package.module:Name")


def find(family: str, name: str) -> Any:
    """The code behind ``name``.

    Raises:
        ValueError: the name is unknown, or its reference leads nowhere.
    """
    reference = FAMILIES[family].get(check(family, name)) or _own(name)
    module, _, attribute = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:  # a module of the user's own may fail in any way while it is imported
        raise ValueError(f"{name!r} cannot be imported: {' '.join(str(error).split())}") from error


@cache
def _own(reference: str) -> str:
    """``reference``, which is said aloud once: whoever runs another's scenario should know that it brings code."""
    if parent_process() is None:
        _LOG.warning("code of your own: %s is imported, as the scenario asks", reference)
    return reference


def summary(family: str, name: str) -> str:
    """First line of the documentation of a member."""
    return (find(family, name).__doc__ or "").strip().split("\n")[0]
