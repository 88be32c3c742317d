"""A loss that is not finite ends a run, which says where it arose and keeps what was there before."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from cosim import results
from cosim.divergence import first_unsound
from cosim.runner import Run
from cosim.scenario import ScenarioError

Runner = Callable[..., Run]

ABLAZE = {"training": {"lr": 1e30}}
"""AdamW's first step is this long: the next forward overflows float32, whose greatest number is 3e38."""
EXPLODING: dict[str, dict[str, Any]] = {
    "federated": {"name": "federated", "local_steps": 3},
    "splitfed": {"name": "splitfed", "cut": 1, "local_steps": 3},
    "split_learning": {"name": "split_learning", "cut": 1, "local_steps": 3},
    "centralised": {"name": "centralised", "local_steps": 3},
}


def adapter(run: Run) -> torch.Tensor:
    assert run.observer.last is not None
    return torch.cat([state.weights for state in run.runtime.values(run.observer.last.adapters)])


@pytest.mark.parametrize("execution", ["deferred", "eager"])
@pytest.mark.parametrize("name", EXPLODING)
def test_it_is_named_by_round_client_and_step(name: str, execution: str, run_small: Runner) -> None:
    run = run_small(EXPLODING[name], execution=execution, **ABLAZE)
    found = run.divergence
    assert found is not None
    assert (found.round, found.step, found.kept_round) == (1, 2, 0), "after the first step nothing is finite"
    assert found.client is not None
    assert found.client.startswith("cloud" if name == "centralised" else "user")
    assert not math.isfinite(found.loss)
    assert found.said.startswith(f"diverged in round 1: training loss of {found.client} in step 2 is ")


def test_the_adapter_before_it_is_kept(run_small: Runner, tmp_path: Path) -> None:
    run = run_small({"name": "federated", "rounds": 5}, **ABLAZE)
    untrained = run_small({"name": "federated"}, training={"lr": 0.0})
    torch.testing.assert_close(adapter(run), adapter(untrained), rtol=1e-6, atol=0)  # a mean of equal copies rounds
    results.write(run, tmp_path)
    kept = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert all(tensor.isfinite().all() for tensor in kept.values())


def test_rounds_between_evaluations_are_told_apart(run_small: Runner) -> None:
    rare = {"evaluation": {"sequences": 8, "every": 3}}
    run = run_small({"name": "federated", "rounds": 6}, **ABLAZE, **rare)
    assert run.divergence is not None
    assert (run.divergence.round, run.divergence.kept_round, run.observer.ended_round) == (1, 0, 3)


def test_a_model_that_is_not_finite_itself_is_refused(small_model: Path, run_small: Runner, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(small_model, broken)
    weights = load_file(small_model / "model.safetensors")
    weights["transformer.ln_f.weight"][0] = torch.nan
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ScenarioError, match=r"^small: model.base: GPT2LMHeadModel gives logits that are not finite"):
        run_small({"name": "federated"}, model={"base": str(broken)})


def test_the_first_that_is_not_finite_is_the_clients_so_manieth() -> None:
    clients = ["user0", "user1", "user0", "user1"]
    assert first_unsound(clients, [1.0, 2.0, 3.0, math.inf]) == ("user1", 2, math.inf)
    assert first_unsound(clients, [1.0, 2.0, 3.0, 4.0]) is None
