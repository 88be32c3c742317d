"""FedsLLM (arXiv 2407.09250): delays by theory, and how long real training takes in simulated time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from cosim.reproduce.papers.base import Experiment, TableFigure, Theory
from cosim.reproduce.row import Row, our_rows
from cosim.reproduce.training import Trained

DROPS, FEW_DROPS = 100, 20
"""Of theory, and of each point of a curve for a look."""
SEED = 0
_BASELINE = "optimum"


class FedsLLM:
    """Delay-optimal bands and local accuracy, against baselines of which less is optimised."""

    experiments: ClassVar[Mapping[str, Experiment]] = {
        "": Experiment(
            scenario="fedsllm.yaml",
            baseline=_BASELINE,
            quickly=("users.count=3", "data.batch_size=2", "scheme.convergence.a=2", "evaluation.sequences=32"),
        )
    }

    def theory(self, folder: Path, *, quick: bool) -> Theory:
        """The mean reductions of the delay, and the delay against power, bandwidth and local accuracy."""
        from cosim.reproduce import fedsllm  # noqa: PLC0415 - SciPy
        from cosim.reproduce.curve import rows_of  # noqa: PLC0415

        powers_dbm = fedsllm.POWERS_DBM[::5] if quick else fedsllm.POWERS_DBM
        curves = rows_of(fedsllm.curves(FEW_DROPS if quick else DROPS, SEED))
        figure = TableFigure(stem="delay", module="analysis.figures.study", table=curves)
        return Theory(rows=fedsllm.rows(powers_dbm, DROPS, SEED), figures=[figure])

    def learned(self, trained: Trained, experiment: str) -> list[Row]:
        """How long each scheme takes to learn as much as all do, the mean over seeds, and how much less the optimum
        does. No paper has such numbers."""
        group = f"simulated time to {trained.target}, real training, {trained.repetitions}"
        seconds = trained.seconds_to_target
        less = {
            f"less for {_BASELINE} than for {label}": 100.0 * (1.0 - seconds[_BASELINE] / took)
            for label, took in seconds.items()
            if label != _BASELINE
        }
        return [*trained.times(group), *our_rows(less, group, "%")]
