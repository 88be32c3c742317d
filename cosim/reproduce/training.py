"""FedsLLM's schemes with real training: what the theory promises, in simulated time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cosim.reproduce.row import Row

PAPERS = Path(__file__).resolve().parents[2] / "scenarios" / "papers"
"""Beside the packages, in a clone and where the project is installed."""
QUICKLY = ("users.count=3", "data.batch_size=2", "scheme.convergence.a=2", "evaluation.sequences=32")
"""For a look: fewer users, smaller mini-batches, fewer held-out sequences, and a third of the rounds."""


def rows(seconds: Mapping[str, float], target: str, seeds: int, best: str) -> list[Row]:
    """How long each scheme takes in simulated ``seconds`` to learn as much as ``target`` says, the mean over seeds, and
    how much less the ``best`` one takes. No paper has such numbers."""
    group = f"simulated time to {target}, real training, {seeds} seed{'s' if seeds > 1 else ''}"
    times = [Row(group=group, name=label, ours=took, unit="s", known="ours") for label, took in seconds.items()]
    less = [
        Row(group=group, name=f"less for {best} than for {label}", ours=100.0 * (1.0 - seconds[best] / took), unit="%",
            known="ours")
        for label, took in seconds.items()
        if label != best
    ]  # fmt: skip
    return [*times, *less]
