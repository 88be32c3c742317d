"""Memory that runs out, whoever notices it first: one line, and what was finished is kept and found again."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cosim.telling import machine_trouble
from tests.cosim.sweep.conftest import small
from tests.cosim.sweep.crews import counting

__all__ = ["small"]

GREEDY = '''
import torch
from cosim.schemes.federated import Federated

class Greedy(Federated):
    """In its second round it wants more memory than any machine has."""

    def rounds(self):
        for number in super().rounds():
            if number == 2:
                {wish}
            yield number
'''


def cosim(*call: object, folder: Path) -> "subprocess.CompletedProcess[str]":
    """In a process of its own, which is to come to harm."""
    command = [sys.executable, "-m", "cosim", *map(str, call)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)


def test_a_run_whose_memory_runs_out_says_so_in_a_line_and_goes_on_when_there_is_more(
    small: Path, tmp_path: Path
) -> None:
    call = ("run", small, "--set", "scheme={name: 'greedy:Greedy', rounds: 3}", "--set", "execution=eager", "--quiet")
    (tmp_path / "greedy.py").write_text(GREEDY.format(wish="torch.ones(2**53)"), encoding="utf-8")
    died = cosim(*call, "--out", tmp_path / "out", folder=tmp_path)
    own, line = died.stderr.splitlines()
    assert died.returncode == 1
    assert own.startswith("code of your own: greedy:Greedy")
    assert line.startswith("memory of this machine ran out (")
    assert line.endswith("what is finished is kept")
    (tmp_path / "greedy.py").write_text(GREEDY.format(wish="pass"), encoding="utf-8")
    again, calm = (cosim(*call, "--out", tmp_path / out, folder=tmp_path) for out in ("out", "calm"))
    assert (again.returncode, calm.returncode) == (0, 0)
    rounds = [pd.read_parquet(tmp_path / out / "rounds.parquet") for out in ("out", "calm")]
    pd.testing.assert_frame_equal(*rounds, check_exact=True)


def test_a_comparison_whose_worker_is_killed_says_so_in_a_line(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the system does that has no memory left."""
    scheme = counting(tmp_path, monkeypatch, "dying", deaths=1)
    call = ("compare", small, "--set", f"scheme={{name: '{scheme}'}}", "--quiet", "--out", tmp_path / "out")
    died = cosim(*call, folder=tmp_path)
    assert died.returncode == 1
    assert died.stderr.splitlines()[-1].startswith("a process of this command was killed")
    assert "Traceback" not in died.stderr
    assert cosim(*call, folder=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "wish",
    [lambda: bytearray(2**55), lambda: np.ones(2**50), lambda: torch.ones(2**50)],
    ids=["Python", "NumPy", "PyTorch"],
)
def test_memory_that_is_refused_is_told_whoever_asked_for_it(wish: Callable[[], object]) -> None:
    with pytest.raises((MemoryError, RuntimeError)) as refused:
        wish()
    assert str(machine_trouble(refused.value)).startswith("memory of this machine ran out (")


def test_libraries_that_cannot_be_loaded_for_want_of_memory_are_no_mystery() -> None:
    told = machine_trouble(ImportError("some.so: failed to map segment from shared object"))
    assert str(told).startswith("memory of this machine ran out (")


def test_what_is_no_fault_of_the_machine_is_not_called_one() -> None:
    assert machine_trouble(ImportError("No module named 'ray'")) is None
    assert machine_trouble(RuntimeError("shapes do not match")) is None
