"""CELLM (arXiv 2407.20557): bytes of sparse messages, delays of rounds, and what methods learn for their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from cosim.reproduce.papers.base import Experiment, TableFigure, Theory
from cosim.reproduce.row import Row
from cosim.reproduce.training import Trained

_DENSE = "dense"
_WITH_ROUNDS = (0, 1, *range(3, 8))
"""Places in the scenario's list of schemes with rounds of their own."""
_QUICKLY = (
    "users.count=4",
    "scheme.clients=2",
    "scheme.local_steps=2",
    "scheme.rounds=6",
    *(f"compare.{place}.rounds=8" for place in _WITH_ROUNDS),
    "data.batch_size=2",
    "evaluation={every: 4, sequences: 32}",
)
_BANKING77 = {"data.corpus": "banking77/train.csv", "data.validation": "banking77/test.csv"}
_ALIKE = ("data.partition={name: iid}",)
_DATA = {
    "natural": "natural texts",
    "iid": "texts dealt out alike",
    "banking77": "Banking77, labels by Dirichlet(0.1)",
    "banking77-alike": "Banking77, labels dealt out alike",
}
"""What experiments are called in rows."""


class Cellm:
    """Sparse LoRA messages, against dense and against other sparse ones."""

    experiments: ClassVar[Mapping[str, Experiment]] = {
        "natural": Experiment(scenario="cellm.yaml", baseline=_DENSE, quickly=_QUICKLY),
        "iid": Experiment(scenario="cellm.yaml", baseline=_DENSE, overrides=_ALIKE),
        "banking77": Experiment(scenario="cellm_classes.yaml", baseline=_DENSE, data=_BANKING77),
        "banking77-alike": Experiment(
            scenario="cellm_classes.yaml", baseline=_DENSE, overrides=_ALIKE, data=_BANKING77
        ),
    }

    def theory(self, folder: Path, *, quick: bool) -> Theory:
        """The table of payloads from real buffers, and delays of rounds from analytic runs."""
        from cosim.reproduce.cellm import delays, payloads  # noqa: PLC0415 - NumPy
        from cosim.reproduce.curve import rows_of  # noqa: PLC0415
        from cosim.reproduce.gpt2 import Gpt2Small  # noqa: PLC0415

        study = delays.Study(Gpt2Small.below(folder, "cellm_gpt2.yaml"))
        curves = [
            delays.against_density(study, delays.FEW_DENSITIES if quick else delays.DENSITIES),
            delays.against_ratio(study, delays.FEW_RATIOS if quick else delays.RATIOS),
        ]
        figure = TableFigure(stem="delay", module="analysis.figures.study", table=rows_of(curves))
        return Theory(rows=[*payloads.rows(), *study.rows()], figures=[figure])

    def learned(self, trained: Trained, experiment: str) -> list[Row]:
        """Bytes and time to what dense LoRA learns, and their factors beside the paper's."""
        from cosim.reproduce.cellm import learning  # noqa: PLC0415

        return learning.rows(trained, _DATA[experiment], classes=bool(self.experiments[experiment].data))
