"""Analytic runs of a base model of which there is no more than its configuration; what is held of its logits."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.runner import Run

Runner = Callable[..., Run]

LORA = {"r": 4, "alpha": 8, "targets": ["c_attn"]}


@pytest.mark.parametrize(
    "sections", [{}, pytest.param({"task": "sequence_classification"}, id="classes")], ids=["text", None]
)
def test_a_model_without_weights_takes_as_long_and_as_much_memory(
    sections: dict[str, Any], small_model: Path, classifying: dict[str, Any], run_small: Runner, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(small_model, bare, ignore=shutil.ignore_patterns("*.safetensors"))
    other = {"data": classifying["data"]} if sections else {}
    runs = [
        run_small({"name": "splitfed", "cut": 2}, execution="analytic", **other,
                  model={"base": str(base), "lora": LORA, **sections})
        for base in (small_model, bare)
    ]  # fmt: skip
    with_weights, without = runs
    assert without.world.recorder.activities == with_weights.world.recorder.activities
    assert np.array_equal(without.world.ledger.changes(), with_weights.world.ledger.changes())
    assert without.world.ledger.peaks()["weights"].max() > 0


def test_logits_that_are_held_whole_change_memory_and_nothing_that_is_learned(
    small_model: Path, run_small: Runner
) -> None:
    chunked, whole = (
        run_small({"name": "federated", "rounds": 1}, model={"base": str(small_model), "lora": LORA, "logits": logits})
        for logits in ("chunked", "whole")
    )
    assert whole.observer.rows == chunked.observer.rows
    transient = [run.world.ledger.peaks()["transient"].max() for run in (chunked, whole)]
    positions, vocabulary = 2 * 15, 2048  # of a mini-batch: what predicts something; of tiny-gpt2's tokenizer
    assert transient[1] - transient[0] == pytest.approx(4 * positions * vocabulary, rel=0.01)  # the logits, kept
