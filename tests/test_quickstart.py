"""The first thing a newcomer runs, as shipped: it learns, and the schemes differ as theory says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim import runner
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries
from training.base_model import load_base
from training.corpora import PYTHON_DOCS, load_corpus
from training.sequences import pack

ROOT = Path(__file__).parent.parent
QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"

LEAST_FALL = 0.15
"""Perplexity on held-out documentation must fall at least by so much from the base model's: a real domain shift."""


def perplexity_of_frequencies() -> float:
    """Perplexity of the held-out text under the frequencies of the training text's tokens: learning no more than those.

    The documentation's layout is so unlike an encyclopaedia that the base model starts above this figure.
    """
    tokenizer, corpus = load_base("tiny-gpt2").tokenizer, load_corpus(PYTHON_DOCS)
    train, held_out = (pack(part, tokenizer, 64).ids for part in (corpus.train, corpus.held_out))
    counts = np.bincount(train.ravel(), minlength=len(tokenizer)) + 1.0
    return float(np.exp(-np.log(counts / counts.sum())[held_out].mean()))


def test_two_rounds_lower_the_perplexity() -> None:
    scenario = load_scenario(QUICKSTART, ["scheme={name: federated, rounds: 2}", "compare=[]", "users.count=4"])
    rows = runner.run(scenario, entries(scenario)[0]).observer.rows
    assert rows[-1]["perplexity"] <= (1 - LEAST_FALL) * rows[0]["perplexity"]


@pytest.fixture(scope="module")
def summaries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("quickstart")
    command = [sys.executable, "-m", "cosim", "compare", str(QUICKSTART), "--quiet"]
    subprocess.run([*command, "--out", str(folder)], check=True, capture_output=True)
    found = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("*/summary.json")}
    assert found.keys() == {"splitfed", "federated", "split_learning", "centralised"}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("label", ["splitfed", "federated", "split_learning", "centralised"])
def test_perplexity_falls(label: str, summaries: dict[str, dict[str, Any]]) -> None:
    before, after = (summaries[label][when]["perplexity"] for when in ("initial", "final"))
    assert after <= (1 - LEAST_FALL) * before
    assert after < perplexity_of_frequencies() / 2


@pytest.mark.slow
def test_federated_sends_adapters_only_and_split_schemes_send_activations(
    summaries: dict[str, dict[str, Any]],
) -> None:
    assert summaries["federated"]["payload_bytes"]["activation"] == 0
    assert summaries["centralised"]["traffic_bytes"] == {"uplink": 0, "downlink": 0, "backhaul": 0}
    for label in ("splitfed", "split_learning"):
        payload = summaries[label]["payload_bytes"]
        assert payload["activation"] == payload["gradient"] > payload["adapter"] > 0
        assert summaries[label]["traffic_bytes"]["uplink"] > summaries["federated"]["traffic_bytes"]["uplink"]


@pytest.mark.slow
def test_a_split_spares_the_users_and_turns_cost_time(summaries: dict[str, dict[str, Any]]) -> None:
    split, federated, in_turn = (summaries[label] for label in ("splitfed", "federated", "split_learning"))
    assert split["delay_s"]["user_compute"] < federated["delay_s"]["user_compute"]
    assert split["peak_memory_bytes"]["user"] < federated["peak_memory_bytes"]["user"]
    assert in_turn["sim_time_s"] > split["sim_time_s"]


@pytest.mark.slow
def test_replicated_split_fed_and_federated_learn_the_same(summaries: dict[str, dict[str, Any]]) -> None:
    rounding = 1e-3  # 40 steps of single precision, the model cut in two ways, on a perplexity of about a hundred
    assert summaries["splitfed"]["final"]["perplexity"] == pytest.approx(
        summaries["federated"]["final"]["perplexity"], rel=rounding
    )
