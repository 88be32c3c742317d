"""Where results come from: software, machine, command, and the hashes of all that was read."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim.recordings import sha256

if TYPE_CHECKING:
    from cosim.runner import Run

_CHECKOUT = Path(__file__).parents[1]
_PACKAGES = ("cosim", "torch", "transformers", "peft", "simpy", "numpy", "pydantic", "pandas")


def provenance(run: Run) -> dict[str, Any]:
    """What made the results of ``run``."""
    return {
        "versions": _versions(),
        "git_commit": _git_commit(_CHECKOUT),
        "seed": run.scenario.seed,
        "machine": {"platform": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "command": sys.argv,
        "corpus": {
            "name": run.scenario.data.corpus,
            "sha256": run.prepared.corpus_sha256,
            "classes": list(run.prepared.lab.train.labels),
        },
        "recordings": {
            key: sha256(source)
            for key in ("uplink_trace", "downlink_trace")
            if (source := getattr(run.scenario.radio, key)) is not None
        },
        "model": {"name": run.prepared.lab.foundation.name, "sha256": run.prepared.lab.foundation.sha256},
    }


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    """Of Python and the packages that results come from; each is a file to be parsed."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}}


@lru_cache(maxsize=1)
def _git_commit(checkout: Path) -> str | None:
    """The commit of this program's checkout, if it runs from one and git is there to ask."""
    if not (checkout / ".git").exists():
        return None  # installed; the folder may still lie in somebody else's repository
    ask: Callable[..., Any] = subprocess.run
    try:
        answer = ask(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() or None
