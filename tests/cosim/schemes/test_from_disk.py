"""What was computed before is found again: without the model, and without torch."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from cosim import results, runner
from cosim.scenario import Scenario, write_scenario
from cosim.scenario.entries import entries

AGAIN = """
import sys
from pathlib import Path
from cosim import results, runner
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries
scenario = load_scenario(Path(sys.argv[1]), [])
run = runner.run(scenario, entries(scenario)[0])
summary = results.write(run, Path(sys.argv[2]))
assert summary["jobs"]["run"] == 0, summary["jobs"]
assert summary["jobs"]["cached"] > 0
heavy = {"torch", "transformers", "peft"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize("name", ["splitfed", "federated", "split_learning", "centralised", "cellm"])
def test_a_run_that_finds_all_its_results_needs_no_torch_and_leaves_the_same_files(
    name: str, small_scenario: Callable[..., Scenario], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache"))
    options: dict[str, Any] = {"name": name} | ({"cut": 1} if name.startswith("split") else {})
    scenario = small_scenario(options, host={"cache": True, "threads": 1})
    results.write(runner.run(scenario, entries(scenario)[0]), tmp_path / "first")
    (tmp_path / "s.yaml").write_text(write_scenario(scenario))

    command = [sys.executable, "-c", AGAIN, str(tmp_path / "s.yaml"), str(tmp_path / "second")]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for table in ("rounds", "events", "memory"):
        first, second = (pd.read_parquet(tmp_path / run / f"{table}.parquet") for run in ("first", "second"))
        pd.testing.assert_frame_equal(first, second, check_exact=True)
    first, second = (load_file(tmp_path / run / "adapter" / "adapter_model.safetensors") for run in ("first", "second"))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert (tmp_path / "first" / "adapter" / "adapter_config.json").read_text() == (
        tmp_path / "second" / "adapter" / "adapter_config.json"
    ).read_text()
