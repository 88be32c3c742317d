"""A script for SLURM that runs a sweep as an array of jobs, each a part of it.

Nothing is submitted from here: account, partition and time limit are matters of the cluster, and ``sbatch`` takes them
beside the script. Each job calls the same command with ``--part``, so that jobs know no more of each other than what
lies in the folder: one that failed, and is submitted again, does what is missing.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from training.store import default_folder

_MOST_JOBS = 1000
"""An array of SLURM has no more than 1,001, unless it is configured otherwise (``MaxArraySize``)."""
_PARENT_BYTES = 400 * 2**20
"""Of the process that hands out the points."""


def jobs(families: int, wanted: int | None) -> int:
    """How many jobs there are: those ``wanted``, but none without a family of points that train the same."""
    return max(1, min(families, wanted or _MOST_JOBS))


def array_script(name: str, options: Sequence[str], out: Path, jobs: int, worker_bytes: int) -> str:
    """The text of the script; ``options`` are those of ``cosim sweep``, without folder, workers and part."""
    command = [sys.executable, "-m", "cosim", "sweep", *options, "--out", str(out.absolute()), "--quiet"]
    megabytes = -(-(worker_bytes + _PARENT_BYTES) // 2**20)
    return f"""#!/bin/bash
# What an option of sbatch says goes before what a line here does: sbatch --time 2:00:00 --cpus-per-task 4 ...
#SBATCH --job-name={name}
#SBATCH --array=1-{jobs}
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu={megabytes}M
#SBATCH --requeue
#SBATCH --output={_quoted_path(out.absolute() / "jobs" / "%a.txt")}

cd {shlex.quote(str(Path.cwd()))} || exit
export COSIM_CACHE={shlex.quote(str(default_folder().absolute()))}
exec {shlex.join(command)} \\
    --workers "${{SLURM_CPUS_PER_TASK:-1}}" --part "$SLURM_ARRAY_TASK_ID/{jobs}"
"""


def _quoted_path(path: Path) -> str:
    """As a line of options for sbatch has it, in which a % of the path itself is doubled."""
    text = str(path.parent).replace("%", "%%") + f"/{path.name}"
    return f'"{text}"' if " " in text else text
