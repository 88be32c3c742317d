"""What this machine gives to training: device, threads, how much runs at once. Changes no number beyond rounding."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PENDING_JOBS = 2048
"""How many jobs may wait to be needed, before those that will be are run."""

_CPU_TOKENS = 1024  # more gain nothing on a CPU, where caches and page faults then cost; fewer leave threads idle
_GPU_SHARE = 0.5  # of the free memory: kernels need workspaces, and others may use the device


@dataclass(frozen=True, kw_only=True)
class Machine:
    """``device`` is a torch device or ``auto``; ``threads`` chunks of a wave run side by side, each on one core.

    ``tokens`` bounds what runs in one pass; None chooses by the machine. ``graph_bytes`` bounds graphs that wait for
    their backward, ``prefix_bytes`` the activations of frozen blocks that are kept.
    """

    device: str = "auto"
    threads: int | None = None
    tokens: int | None = None
    graph_bytes: int = 2 * 2**30
    prefix_bytes: int = 2**30

    def resolved_device(self) -> str:
        """``auto`` takes the accelerator if there is one.

        Raises:
            ValueError: the device is not there.
        """
        if self.device == "cpu" or (self.device == "auto" and not _may_have_accelerator()):
            return "cpu"
        import torch  # noqa: PLC0415 - slow, and what is on disk already is known without it

        if self.device == "auto":
            return "cuda" if torch.cuda.is_available() else "cpu"
        try:
            torch.empty(1, device=self.device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"host.device = {self.device!r}: not available here ({reason})") from error
        return self.device

    def lanes(self, device: str) -> int:
        """How many chunks run side by side: cores of a CPU; one on an accelerator, which is parallel in itself."""
        if device != "cpu":
            return 1
        return self.threads or os.cpu_count() or 1

    def width(self, device: str, tokens: int, bytes_each: Callable[[], int]) -> int:
        """How many clients, each with so many tokens and so many bytes of activations, go into one pass.

        Bytes are asked for where they decide, on an accelerator.
        """
        if self.tokens is not None or device == "cpu":
            return max(1, (self.tokens or _CPU_TOKENS) // tokens)
        import torch  # noqa: PLC0415

        free, _ = torch.cuda.mem_get_info(device)
        return max(1, int(_GPU_SHARE * free) // max(bytes_each(), 1))


def _may_have_accelerator() -> bool:
    """Whether it is worth asking torch: on Linux the driver of an accelerator shows as a file."""
    if not sys.platform.startswith("linux"):
        return True
    return any(Path(file).exists() for file in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))
