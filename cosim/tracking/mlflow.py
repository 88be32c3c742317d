"""MLflow, at its tracking server: ``MLFLOW_TRACKING_URI``, else its own default."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from cosim.tracking.tracker import Tracker


class MLflow(Tracker):
    """A run of the MLflow experiment `cosim`; its steps are rounds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import mlflow  # noqa: PLC0415

        self._mlflow = mlflow

    def begin(self, name: str, settings: Mapping[str, str]) -> None:
        """See ``Tracker.begin``."""
        self._mlflow.set_experiment("cosim")
        self._run = self._mlflow.start_run(run_name=name, nested=True)
        self._mlflow.log_params({key: value[:500] for key, value in settings.items()})  # its longest value

    def log(self, number: int, sim_time_s: float, values: Mapping[str, float]) -> None:
        """See ``Tracker.log``."""
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        self._mlflow.log_metrics(finite, step=number, run_id=self._run.info.run_id)

    def close(self) -> None:
        """See ``Tracker.close``."""
        self._mlflow.end_run()
