"""Classification through the whole engine: every scheme, every execution, and what a run leaves."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import peft
import pytest
import torch

from cosim import results, tables
from cosim.runner import Run
from cosim.scenario import ScenarioError
from training.base_model import load_base
from training.sequences import IGNORED

Runner = Callable[..., Run]

USERS, ROUNDS, STEPS, BATCH, HIDDEN, RANK, BLOCKS = 3, 2, 2, 2, 32, 4, 4
CLASSES = ["cloud", "edge", "radio", "server", "user"]
ONE_CLIENT_A_PASS = {"device": "cpu", "threads": 1, "cache": False, "tokens": 1}
LR = {"training": {"lr": 1e-3}}
LOSS = 1e-6
"""Single precision losses of about 1.6 nats, summed in another order."""
ADAPTER = 5e-5
"""AdamW's first steps are lr * sign(g): where a gradient is nearly zero, rounding changes a part of a step of 1e-3."""


@pytest.fixture(scope="session")
def run_classifier(run_small: Runner, classifying: dict[str, Any]) -> Runner:
    """Run a scheme in the miniature world on labelled rows."""

    def run(scheme: dict[str, Any], **sections: Any) -> Run:
        return run_small(scheme, **{**classifying, **LR, **sections})

    return run


def adapter(run: Run) -> torch.Tensor:
    assert run.observer.last is not None
    return torch.cat([state.weights for state in run.runtime.values(run.observer.last.adapters)])


def test_whatever_the_execution_the_same_is_simulated_and_learned(
    scheme: dict[str, Any], run_classifier: Runner
) -> None:
    eager, narrow, waves, analytic = (
        run_classifier(scheme, **sections)
        for sections in ({"execution": "eager"}, {"host": ONE_CLIENT_A_PASS}, {}, {"execution": "analytic"})
    )
    for other in (narrow, waves, analytic):
        assert other.world.recorder.activities == eager.world.recorder.activities
        assert tables.memory_frame(other).equals(tables.memory_frame(eager))
    assert torch.equal(adapter(narrow), adapter(eager))
    assert narrow.observer.rows == eager.observer.rows
    torch.testing.assert_close(adapter(waves), adapter(eager), rtol=0, atol=ADAPTER)
    assert waves.observer.rows[-1]["loss"] == pytest.approx(eager.observer.rows[-1]["loss"], abs=LOSS)
    assert analytic.runtime.jobs_run == 0


@pytest.mark.parametrize("cut", [1, 3, [1, 3]], ids=str)
def test_replicated_split_fed_learns_what_federated_learning_learns(cut: Any, run_classifier: Runner) -> None:
    split, federated = (run_classifier(scheme) for scheme in ({"name": "splitfed", "cut": cut}, {"name": "federated"}))
    assert torch.equal(adapter(split), adapter(federated))
    assert [row["loss"] for row in split.observer.rows] == [row["loss"] for row in federated.observer.rows]


def test_what_a_step_does_part_by_part_is_what_the_whole_learns(run_classifier: Runner) -> None:
    in_parts, whole = (
        run_classifier({"name": name, **cut}, execution="eager")
        for name, cut in (("splitfed", {"cut": [1, 3]}), ("federated", {}))
    )
    torch.testing.assert_close(adapter(in_parts), adapter(whole), rtol=0, atol=ADAPTER)


def test_one_integer_a_row_goes_up_and_the_head_stays_with_the_last_part(run_classifier: Runner) -> None:
    run = run_classifier({"name": "splitfed", "cut": 1})
    head, block = 4 * len(CLASSES) * HIDDEN, 4 * RANK * (HIDDEN + 3 * HIDDEN)
    summary = results.summarise(run, tables.events_frame(run), tables.memory_frame(run))
    assert summary["payload_bytes"]["label"] == ROUNDS * STEPS * USERS * 4 * BATCH
    memory = tables.memory_frame(run).set_index(["node", "kind"])["peak_bytes"]
    assert memory["user0", "adapter"] == block
    assert memory["edge1", "adapter"] == (BLOCKS - 1) * block + head  # of the one user there
    federated = run_classifier({"name": "federated"})
    sent = results.summarise(federated, tables.events_frame(federated), tables.memory_frame(federated))
    assert sent["traffic_bytes"]["uplink"] == ROUNDS * USERS * (BLOCKS * block + head)


def test_a_classifier_learns_what_a_word_says(run_classifier: Runner) -> None:
    scheme = {"name": "federated", "rounds": 8, "local_steps": 10}
    rows = run_classifier(scheme, training={"lr": 1e-2}).observer.rows
    assert rows[0]["accuracy"] < 0.5
    assert rows[-1]["accuracy"] > 0.9


def test_there_is_no_perplexity_of_classes_anywhere(run_classifier: Runner, tmp_path: Path) -> None:
    run = run_classifier({"name": "federated"})
    summary = results.write(run, tmp_path)
    assert summary["final"]["perplexity"] is summary["initial"]["perplexity"] is None
    assert summary["final"]["accuracy"] is not None
    rounds = pd.read_parquet(tmp_path / "rounds.parquet")
    assert rounds["perplexity"].isna().all()
    assert rounds["accuracy"].notna().all()
    assert rounds["f1"].between(0, 1).all()
    assert summary["final"]["f1"] == rounds["f1"].iloc[-1]


def test_the_written_classifier_gives_the_reported_loss_under_peft(run_classifier: Runner, tmp_path: Path) -> None:
    run = run_classifier({"name": "splitfed", "cut": 2}, training={"lr": 1e-2})
    summary = results.write(run, tmp_path)
    assert json.loads((tmp_path / "provenance.json").read_text())["corpus"]["classes"] == CLASSES
    base = load_base(run.prepared.lab.foundation.name, len(CLASSES))
    base.config.pad_token_id = base.tokenizer.eos_token_id
    model = peft.PeftModel.from_pretrained(base.model, tmp_path / "adapter").eval()
    held_out = run.runtime.lab.held_out
    ids, targets = torch.from_numpy(held_out.ids), torch.from_numpy(held_out.targets)
    with torch.no_grad():
        found = model(input_ids=ids, labels=targets[targets != IGNORED])
    assert float(found.loss) == pytest.approx(summary["final"]["loss"], abs=LOSS)
    accuracy = (found.logits.argmax(-1) == torch.from_numpy(held_out.label)).double().mean().item()
    assert accuracy == pytest.approx(summary["final"]["accuracy"])


def test_a_second_run_finds_all_results(
    run_classifier: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path))
    host = {"host": {"device": "cpu", "threads": 1, "cache": True}}
    first, split, again = (
        run_classifier(scheme, **host)
        for scheme in ({"name": "federated"}, {"name": "splitfed", "cut": 2}, {"name": "federated"})
    )
    assert (first.runtime.jobs_run > 0, split.runtime.jobs_run, again.runtime.jobs_run) == (True, 0, 0)
    assert again.observer.rows == first.observer.rows
    assert torch.equal(adapter(again), adapter(first))


def test_a_held_out_class_that_training_lacks_is_refused_in_one_line(
    run_classifier: Runner, classifying: dict[str, Any], tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("text,category\nthe radio,weather\n")
    with pytest.raises(ScenarioError, match=r"^small: data\.label_column: the held-out class 'weather'") as refused:
        run_classifier({"name": "federated"}, data={**classifying["data"], "validation": str(other)})
    assert "\n" not in str(refused.value)
