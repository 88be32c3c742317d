"""TensorBoard, from the files in the folder ``tensorboard`` beside the results."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from cosim.tracking.tracker import Tracker


class TensorBoard(Tracker):
    """Event files for `tensorboard --logdir`; its axis "wall" is simulated time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "tensorboard")
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - for those who track alone

        self._open = SummaryWriter

    def begin(self, name: str, settings: Mapping[str, str]) -> None:
        """See ``Tracker.begin``; the files of an earlier run in this folder go."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._writer = self._open(str(self.folder))
        table = "\n".join(f"| {key} | {value} |" for key, value in settings.items())
        self._writer.add_text(name, f"| setting | value |\n|---|---|\n{table}", walltime=0.0)

    def log(self, number: int, sim_time_s: float, values: Mapping[str, float]) -> None:
        """See ``Tracker.log``."""
        for name, value in values.items():
            if name != "round":
                self._writer.add_scalar(name, value, global_step=number, walltime=sim_time_s)
        self._writer.flush()

    def close(self) -> None:
        """See ``Tracker.close``."""
        self._writer.close()
