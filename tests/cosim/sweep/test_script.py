"""The array script for SLURM: what it asks for, and what its jobs leave when bash runs them one by one."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from cosim.sweep.script import array_script, jobs
from cosim.sweep.standing import standing
from cosim.sweep.sweep import sweep
from tests.cosim.sweep.conftest import Heard, planned
from tests.cosim.sweep.crews import local

GIB = 2**30


def test_there_are_as_many_jobs_as_are_wanted_but_no_idle_one() -> None:
    assert [jobs(7, wanted) for wanted in (None, 3, 100)] == [7, 3, 7]
    assert jobs(5000, None) == 1000


def test_the_script_is_one_of_bash_and_keeps_words_together(tmp_path: Path) -> None:
    options = ["my scenario.yaml", "--vary", "radio.bandwidth=log(1,100,20) MHz", "--set", "name='a b'"]
    text = array_script("wide-sweep", options, tmp_path / "50 %", 4, GIB)
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=True, capture_output=True).stderr == ""
    lines = text.splitlines()
    assert lines[0] == "#!/bin/bash"
    assert "#SBATCH --array=1-4" in lines
    assert "#SBATCH --mem-per-cpu=1424M" in lines  # 1024 and 400 for the parent
    assert f'#SBATCH --output="{tmp_path}/50 %%/jobs/%a.txt"' in lines
    command = text[text.index("exec ") :].replace("exec ", "printf '%s\\n' ")
    said = subprocess.run(["bash"], input=command, text=True, check=True, capture_output=True, env=job(3)).stdout
    assert said.splitlines()[4:9] == options
    assert said.splitlines()[-4:] == ["--workers", "1", "--part", "3/4"]


def job(number: int) -> dict[str, str]:
    """The environment of a job of an array."""
    return {**os.environ, "SLURM_ARRAY_TASK_ID": str(number)}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_jobs_of_a_script_leave_the_table_of_one_sweep(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache"))
    vary, seeds = "radio.bandwidth=1:4 MHz", "0:2"
    calm = planned(small, tmp_path / "calm", vary, seeds=seeds)
    sweep(standing(calm, tmp_path / "calm"), local(calm), Heard())
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "another-cache"))
    script, out = tmp_path / "sweep.sh", tmp_path / "by-jobs"
    call = ["-m", "cosim", "sweep", str(small), "--vary", vary, "--seeds", seeds, "--out", str(out)]
    said = subprocess.run([sys.executable, *call, "--script", str(script)], check=True, capture_output=True)
    assert b"6 points in 2 jobs" in said.stdout
    assert not list((out / "points").iterdir())
    monkeypatch.delenv("COSIM_CACHE")  # the script says it
    both = [subprocess.Popen(["bash", str(script)], env=job(number), text=True) for number in (1, 2)]
    assert [process.wait() for process in both] == [0, 0]
    one, other = (pd.read_parquet(folder / "sweep.parquet") for folder in (out, tmp_path / "calm"))
    pd.testing.assert_frame_equal(one.drop(columns="wall_time_s"), other.drop(columns="wall_time_s"))
    assert one["jobs.run"].astype(bool).sum() == len((0, 1))  # each seed trains once
