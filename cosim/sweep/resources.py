"""How many workers a machine, or a cluster, has room for."""

from __future__ import annotations

import os
from collections.abc import Sequence
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
    """So many workers, and how many cores there are for all of them; ``reason`` is why no more, if memory is.

    None of them has more cores than one machine, which are ``cores`` unless it is said.
    """

    workers: int
    cores: int
    reason: str = ""
    of_one_machine: int | None = None

    def threads(self, busy: int) -> int:
        """Cores of each of ``busy`` points, so that they do not fight."""
        each = max(1, self.cores // max(1, min(busy, self.workers)))
        return min(each, self.of_one_machine or each)


@dataclass(frozen=True, kw_only=True)
class Node:
    """What a machine of a cluster has for points."""

    cores: int
    nbytes: int
    accelerators: int = 0


def share(wanted: int | None, scenario: Scenario, points: int) -> Share:
    """As many workers as are ``wanted``, else as cores and free memory allow; never more than ``points``."""
    cores = cores_here()
    if wanted is not None:
        return Share(workers=max(1, min(wanted, points)), cores=cores)
    free, need = free_bytes(), need_bytes(scenario)
    fit = cores if free is None else max(1, free // need)
    reason = (
        f"{(free or 0) / 1e9:.1f} GB of memory are free, and one may need {need / 1e9:.1f} GB" if fit < cores else ""
    )
    return Share(workers=max(1, min(cores, fit, points)), cores=cores, reason=reason if fit < points else "")


def share_of(nodes: Sequence[Node], wanted: int | None, need: Node, points: int) -> Share:
    """As ``share``, of a cluster in which each point has at least what it may ``need``."""
    cores, fit = sum(node.cores for node in nodes), sum(_fit(node, need) for node in nodes)
    scarce = wanted is None and fit < min(points, cores)
    return Share(
        workers=max(1, min(points, fit if wanted is None else wanted)),
        cores=cores,
        reason=f"memory or accelerators for {fit}; one may need {need.nbytes / 1e9:.1f} GB" if scarce else "",
        of_one_machine=max(node.cores for node in nodes),
    )


def _fit(node: Node, need: Node) -> int:
    """How many points at a time ``node`` has room for."""
    accelerated = node.accelerators // need.accelerators if need.accelerators else node.cores
    return min(node.cores // need.cores, node.nbytes // need.nbytes, accelerated)


def need_bytes(scenario: Scenario) -> int:
    """Memory that a worker may need for a point of ``scenario``."""
    return _WORKER_BYTES + _COPIES * _model_bytes(scenario.model.base)


def cores_here() -> int:
    """Those that this process may use, which a batch system may have bound to some."""
    allowed = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(allowed(0)) if allowed else os.cpu_count() or 1


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
