"""SplitFT (arXiv 2604.26388): traffic and time against the cut at GPT-2 small's size, and cuts that move, trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from cosim.reproduce.papers.base import Experiment, TableFigure, Theory
from cosim.reproduce.row import Row
from cosim.reproduce.training import Trained

POLICIES = "policies"
_LENGTHS: Mapping[str, Sequence[str]] = {
    "alpha-0.1": (),
    "alpha-1": ("data.partition.alpha=1",),
    "iid": ("data.partition={name: iid}",),
}
_QUICKLY = {"alpha-0.1": ("users.count=3", "scheme.rounds=4", "scheme.local_steps=4", "evaluation.sequences=32")}


class SplitFT:
    """Cut layers that adapt, against one cut for all."""

    experiments: ClassVar[Mapping[str, Experiment]] = {
        **{
            lengths: Experiment(
                scenario="splitft.yaml", baseline="same-split", overrides=overrides, quickly=_QUICKLY.get(lengths)
            )
            for lengths, overrides in _LENGTHS.items()
        },
        POLICIES: Experiment(scenario="splitft_policies.yaml", baseline="cut-1"),
    }

    def theory(self, folder: Path, *, quick: bool) -> Theory:
        """Tables I and II from analytic runs."""
        from cosim.reproduce.curve import rows_of  # noqa: PLC0415 - NumPy
        from cosim.reproduce.gpt2 import Gpt2Small  # noqa: PLC0415
        from cosim.reproduce.splitft import tables  # noqa: PLC0415

        found = tables.points(Gpt2Small.below(folder, "splitft_gpt2.yaml"))
        figure = TableFigure(stem="delay", module="analysis.figures.study", table=rows_of(tables.curves(found)))
        return Theory(rows=tables.rows(found), figures=[figure])

    def learned(self, trained: Trained, experiment: str) -> list[Row]:
        """Perplexity at the end, and simulated time to what all reach. The paper gives no numbers of either."""
        from cosim.reproduce.splitft import policies  # noqa: PLC0415

        if experiment == POLICIES:
            return policies.rows(trained)
        group = f"tiny-gpt2, lengths {experiment}, {trained.repetitions}"
        return [
            *trained.finals(f"perplexity at the end, {group}"),
            *trained.times(f"simulated time to {trained.target}, {group}"),
        ]
