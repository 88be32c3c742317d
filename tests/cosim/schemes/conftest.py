"""A miniature of the whole product: four blocks, three users, two cells, real training in milliseconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from cosim import runner
from cosim.recorder import EVERYBODY
from cosim.runner import Run
from cosim.scenario import Scenario
from cosim.scenario.entries import entries
from training.base_model import load_base

Runner = Callable[..., Run]

STEPS = {"client": {"name": "sgd", "lr": 0.5}, "server": {"name": "adamw", "lr": 5e-3, "eps": 1e-5}}
"""Users go so far, and the server is so deaf, that rounding is not amplified: a difference of weights of 0.1 has an
error of 1e-8, which AdamW's sign-like first step would make a large one where the difference is nearly zero."""

SCHEMES: dict[str, dict[str, Any]] = {
    "splitfed": {"name": "splitfed", "cut": 1},
    "splitfed at the cloud": {"name": "splitfed", "cut": 1, "main_server": "cloud"},
    "splitfed in three parts": {"name": "splitfed", "cut": [1, 3]},
    "splitfed shared": {"name": "splitfed", "cut": 1, "server": "shared"},
    "splitfed shared at the cloud": {"name": "splitfed", "cut": 1, "server": "shared", "main_server": "cloud"},
    "splitfed shared in three parts": {"name": "splitfed", "cut": [1, 3], "server": "shared"},
    "federated": {"name": "federated"},
    "splitfed with bands dealt each round": {
        "name": "splitfed", "cut": 1, "allocation": {"name": "fedsllm", "every": "round"},
    },
    "fedsllm": {"name": "fedsllm", "cut": 1, "local_steps": None, "convergence": {"a": 4.0, "v": 1.0}},
    "fedsllm that chooses its cut": {
        "name": "fedsllm", "cut": "auto", "allocation": {"name": "sfllm", "subchannels": 4},
    },
    "split_learning": {"name": "split_learning", "cut": 1},
    "split_learning at the cloud": {"name": "split_learning", "cut": 1, "main_server": "cloud"},
    "split_learning in three parts": {"name": "split_learning", "cut": [1, 3]},
    "splitllm": {"name": "splitllm", "cut": [1, 3]},
    "splitllm over local epochs": {"name": "splitllm", "cut": [1, 3], "local_steps": None},
    "splitllm replicated": {"name": "splitllm", "cut": [1, 3], "cloud_update": "replicated", "distribution": False},
    "splitllm by means": {"name": "splitllm", "cut": [1, 3], "cloud_update": "mean"},
    "splitllm by attachment": {"name": "splitllm", "cut": [1, 3], "pairing": "attachment"},
    "splitft": {"name": "splitft", "cut": [1, 2, 3], "cut_rank": 2, "policy": "optimal_delay", "every": 1},
    "centralised": {"name": "centralised"},
    "splitfed compressed": {
        "name": "splitfed", "cut": 1, "compression": {
            "upload": {"name": "top_k", "density": "1/2", "error_feedback": True},
            "download": {"name": "int8", "rounding": "stochastic"},
            "activations": "half",
            "gradients": {"name": "low_rank", "rank": 8},
        },
    },
    "splitfed shared, compressed": {
        "name": "splitfed", "cut": 1, "server": "shared", "compression": {
            "upload": {"name": "low_rank", "rank": 3}, "download": "half", "gradients": "int8",
        },
    },
    "federated compressed": {
        "name": "federated", "compression": {
            "upload": {"name": "magnitude_mask", "density": "3/4", "renewed": False},
            "download": {"name": "int4", "error_feedback": True},
        },
    },
    "split_learning compressed": {
        "name": "split_learning", "cut": 1, "compression": {"upload": "int8", "activations": "int8"},
    },
    "splitllm compressed": {
        "name": "splitllm", "cut": [1, 3], "cloud_update": "mean", "compression": {
            "upload": {"name": "random_k", "density": "3/4", "unbiased": False, "error_feedback": True},
            "download": "half",
            "activations": {"name": "int8", "rounding": "stochastic"},
            "gradients": {"name": "top_k", "density": "1/2"},
        },
    },
    "cellm": {"name": "cellm", "clients": 2, "download": "1/2", "upload": "1/4", **STEPS},
    "cellm of tiers": {"name": "cellm", "download": ["1/4", "1/2", 1], "upload": ["1/16", "1/4", 1], **STEPS},
    "cellm that becomes sparser": {"name": "cellm", "download": 1, "upload": 1, "decay": 0.7, **STEPS},
    "fedlora": {"name": "fedlora", "clients": 2, **STEPS},
    "federated_select": {"name": "federated_select", "density": "1/2", **STEPS},
    "sparse_adapter": {"name": "sparse_adapter", "density": "1/2", **STEPS},
    "adapter_lth": {"name": "adapter_lth", "decay": 0.9, **STEPS},
    "ffa_lora": {"name": "ffa_lora", **STEPS},
}  # fmt: skip
"""Every scheme, in every arrangement of its parts."""

TIMELY: dict[str, dict[str, Any]] = {
    "federated": {"name": "federated", "aggregation": {"name": "fedasync", "mixing": 0.6}},
    "federated, some at a time": {"name": "federated", "aggregation": {"name": "fedbuff", "buffer": 2}, "clients": 2},
    "splitfed": {"name": "splitfed", "cut": 1, "aggregation": {"name": "fedbuff", "buffer": 2}},
    "splitfed in three parts, compressed": {
        "name": "splitfed", "cut": [1, 3], "aggregation": {"name": "fedbuff", "buffer": 5}, "compression": {
            "upload": {"name": "top_k", "density": "1/2", "error_feedback": True}, "download": "half",
        },
    },
    "fedsllm": {
        "name": "fedsllm", "cut": 1, "local_steps": None, "convergence": {"a": 8.0, "v": 1.0},
        "aggregation": {"name": "fedasync", "mixing": 0.6},
    },
    "federated, enough reports": {"name": "federated", "clients": 3, "reports": 2},
    "splitfed, enough reports": {"name": "splitfed", "cut": [1, 3], "clients": 2, "reports": 1},
}  # fmt: skip
"""Those in which it is a matter of time what is learned: without rounds, or in rounds that end with enough reports."""

VARIATIONS = {
    "splitfed at the cloud",
    "splitfed shared at the cloud",
    "splitfed shared in three parts",
    "splitfed with bands dealt each round",
    "fedsllm that chooses its cut",
    "split_learning at the cloud",
    "split_learning in three parts",
    "splitllm over local epochs",
    "splitllm replicated",
    "splitllm by attachment",
    "splitfed compressed",
    "splitfed shared, compressed",
    "federated compressed",
    "split_learning compressed",
    "splitllm compressed",
    "cellm of tiers",
    "cellm that becomes sparser",
    "fedlora",
    "federated_select",
    "sparse_adapter",
    "adapter_lth",
    "ffa_lora",
}
"""Arrangements whose ways are those of others put together: they are tried with the slow tests."""

CLASSES = ("cloud", "edge", "radio", "server", "user")


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random GPT-2 of four blocks, and the shipped tokenizer."""
    folder = tmp_path_factory.mktemp("small-gpt2")
    tokenizer = load_base("tiny-gpt2").tokenizer
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=32,
        n_embd=32,
        n_layer=4,
        n_head=2,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def classifying(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Sections of a scenario that classifies rows of unequal lengths; the class of a row is its first word."""
    folder, draw, tables = tmp_path_factory.mktemp("rows"), np.random.default_rng(0), {}
    for key, rows in (("corpus", 60), ("validation", 20)):
        labels = [CLASSES[row % len(CLASSES)] for row in range(rows)]
        texts = [f"{label} {' '.join(draw.choice(CLASSES, draw.integers(1, 4)))}" for label in labels]
        tables[key] = str(folder / f"{key}.csv")
        pd.DataFrame({"text": texts, "category": labels}).to_csv(tables[key], index=False)
    lora = {"r": 4, "alpha": 8, "targets": ["c_attn"]}
    return {
        "model": {"base": str(small_model), "task": "sequence_classification", "lora": lora},
        "data": {**tables, "label_column": "category", "batch_size": 2, "sequence_length": 8},
    }


@pytest.fixture(scope="session")
def small_scenario(small_model: Path) -> Callable[..., Scenario]:
    """A scenario for a scheme's options; further sections replace whole sections.

    Without a cache, so that no test finds another's results; with one thread, so that waves come together in one order.
    """

    def make(scheme: dict[str, Any], **sections: Any) -> Scenario:
        tree: dict[str, Any] = {
            "name": "small",
            "scheme": {"rounds": 2, "local_steps": 2, **scheme},
            "users": {"count": 3, "compute": {"speed": "1 GFLOP/s", "spread": 0.5, "power": "5 W"}},
            "edges": {"count": 2, "compute": {"speed": "2 GFLOP/s", "power": "50 W"}},
            "cloud": {"compute": {"speed": "4 GFLOP/s", "power": "100 W"}},
            "model": {"base": str(small_model), "lora": {"r": 4, "alpha": 8, "targets": ["c_attn"]}},
            "data": {
                "partition": {"name": "natural", "authors_per_user": 5},
                "batch_size": 2,
                "sequence_length": 16,
            },
            "evaluation": {"sequences": 8},
            "host": {"device": "cpu", "threads": 1, "cache": False},
        }
        return Scenario.model_validate({**tree, **sections})

    return make


@pytest.fixture(scope="session")
def run_small(small_scenario: Callable[..., Scenario]) -> Runner:
    """Run a scheme in the miniature world."""

    def run(scheme: dict[str, Any], **sections: Any) -> Run:
        scenario = small_scenario(scheme, **sections)
        return runner.run(scenario, entries(scenario)[0])

    return run


@pytest.fixture(scope="module", params=TIMELY)
def timely(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each of those in which time has a part."""
    return TIMELY[request.param]


@pytest.fixture(scope="session")
def every_scheme() -> list[dict[str, Any]]:
    """All of them."""
    return [*SCHEMES.values(), *TIMELY.values()]


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) if name in VARIATIONS else name for name in SCHEMES],
)
def scheme(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each of the schemes."""
    return SCHEMES[request.param]


def require_one_name_for_every_nanosecond(run: Run) -> None:
    """Of every user."""
    activities = run.world.recorder.activities
    for user in run.world.users:
        mine = sorted((a.start_ns, a.end_ns) for a in activities if a.user in (user.index, EVERYBODY))
        spans = [span for span in mine if span[0] < span[1]]
        assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
        assert spans[-1][1] == run.world.clock.now_ns


def require_no_more_memory_than_needed(run: Run) -> None:
    """No node ever holds more than it was found to need."""
    needs = run.scheme.needs.of(run.scheme.load())
    for node in run.world.nodes:
        assert node.memory.peaks()["total"] <= needs.get(node, 0), node.name
