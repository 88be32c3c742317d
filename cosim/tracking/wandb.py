"""Weights & Biases, at its server or, with ``WANDB_MODE=offline``, in the folder of the results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cosim.tracking.tracker import Tracker


class WandB(Tracker):
    """A run of the Weights & Biases project `cosim`; its steps are rounds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import wandb  # noqa: PLC0415

        self._wandb = wandb

    def begin(self, name: str, settings: Mapping[str, str]) -> None:
        """See ``Tracker.begin``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._run = self._wandb.init(project="cosim", name=name, config=dict(settings), dir=str(self.folder))

    def log(self, number: int, sim_time_s: float, values: Mapping[str, float]) -> None:
        """See ``Tracker.log``."""
        self._run.log(dict(values), step=number)

    def close(self) -> None:
        """See ``Tracker.close``."""
        self._run.finish()
