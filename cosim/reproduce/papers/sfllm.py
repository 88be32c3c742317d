"""SflLLM (arXiv 2504.14667), FedsLLM's successor: delays by theory at placeholders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from cosim.reproduce.papers.base import Experiment, TableFigure, Theory
from cosim.reproduce.papers.fedsllm import DROPS, FEW_DROPS, SEED
from cosim.reproduce.row import Row
from cosim.reproduce.training import Trained


class SflLLM:
    """Subchannels, powers, cut and rank chosen together, against each of them drawn."""

    experiments: ClassVar[Mapping[str, Experiment]] = {}

    def theory(self, folder: Path, *, quick: bool) -> Theory:
        """The mean reductions of the delay, and the delay against power, bandwidth and clock rates."""
        from cosim.reproduce import sfllm  # noqa: PLC0415 - SciPy
        from cosim.reproduce.curve import rows_of  # noqa: PLC0415

        setting = sfllm.Setting()
        work = sfllm.work(setting)
        curves = rows_of(sfllm.curves(setting, work, FEW_DROPS if quick else DROPS, SEED))
        figure = TableFigure(stem="delay", module="analysis.figures.study", table=curves)
        return Theory(rows=sfllm.rows(setting, work, DROPS, SEED), figures=[figure])

    def learned(self, trained: Trained, experiment: str) -> list[Row]:
        """Nothing is trained."""
        return []
