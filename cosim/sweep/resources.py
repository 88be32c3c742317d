"""How many workers this machine has room for."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cosim.scenario import Scenario
from training import model_files

_WORKER_BYTES = 800 * 2**20
"""Of a worker that trains a small model: Python and torch, and room for what it computes."""
_COPIES = 3
"""A model's weights as they are read, as they are held, and the activations beside them."""

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many workers, and how many cores there are for all of them; ``reason`` is why no more, if memory is."""

    workers: int
    cores: int
    reason: str = ""

    def threads(self, busy: int) -> int:
        """Cores of each of ``busy`` points, so that they do not fight."""
        return max(1, self.cores // max(1, min(busy, self.workers)))


def share(wanted: int | None, scenario: Scenario, points: int) -> Share:
    """As many workers as are ``wanted``, else as cores and free memory allow; never more than ``points``."""
    cores = os.cpu_count() or 1
    if wanted is not None:
        return Share(workers=max(1, min(wanted, points)), cores=cores)
    free, need = free_bytes(), _WORKER_BYTES + _COPIES * _model_bytes(scenario.model.base)
    fit = cores if free is None else max(1, free // need)
    reason = (
        f"{(free or 0) / 1e9:.1f} GB of memory are free, and one may need {need / 1e9:.1f} GB" if fit < cores else ""
    )
    return Share(workers=max(1, min(cores, fit, points)), cores=cores, reason=reason if fit < points else "")


def free_bytes() -> int | None:
    """Memory that new processes may have; None where the system does not say."""
    found = []
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found.append(next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")))
    with suppress(OSError, ValueError, KeyError):  # of a container; "max" where there is no bound
        most, used = (int((_CGROUP / f"memory.{name}").read_text("ascii")) for name in ("max", "current"))
        held = dict(line.split() for line in (_CGROUP / "memory.stat").read_text("ascii").splitlines())
        found.append(max(0, most - used + int(held["inactive_file"])))
    return min(found, default=None)


def _model_bytes(base: str) -> int:
    """Of its files here; nothing is known of one on the hub."""
    with suppress(OSError):
        return sum(file.stat().st_size for file in Path(model_files.locate(base)).glob("*.safetensors"))
    return 0
