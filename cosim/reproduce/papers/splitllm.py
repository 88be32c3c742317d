"""SplitLLM (arXiv 2501.13318): memory and delays at the size of GPT-2 small, and real training of a small model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from cosim.reproduce.papers.base import Experiment, RunsFigure, TableFigure, Theory
from cosim.reproduce.row import Row
from cosim.reproduce.training import Trained

_MANY_USERS, _SOME_USERS = (3, 6, 9, 12, 15, 18, 21, 24), (3, 12, 24)
_SEEDS, _FEW_SEEDS = range(8), range(2)


class SplitLLM:
    """Users paired with edge servers in turn, three parts of the model, against split-fed learning and others."""

    experiments: ClassVar[Mapping[str, Experiment]] = {
        "": Experiment(
            scenario="splitllm.yaml",
            baseline="splitfed",
            quickly=(
                "users.count=6",
                "scheme.rounds=8",
                *(f"compare.{place}.rounds=4" for place in range(1, 6)),
                "data.batch_size=2",
                "evaluation={every: 2, sequences: 32}",
            ),
        )
    }

    def theory(self, folder: Path, *, quick: bool) -> Theory:
        """Analytic runs: what is held where, by how much less, and delays against the number of users."""
        from cosim.reproduce.curve import rows_of  # noqa: PLC0415 - NumPy
        from cosim.reproduce.gpt2 import Gpt2Small  # noqa: PLC0415
        from cosim.reproduce.splitllm import delays, memory, memory_rows  # noqa: PLC0415

        world = Gpt2Small.below(folder, "splitllm_gpt2.yaml")
        held = memory.kept_runs(world, folder / "memory")
        reductions = memory.reductions(world, memory.USERS, memory.EDGES)
        users, seeds = (_SOME_USERS, _FEW_SEEDS) if quick else (_MANY_USERS, _SEEDS)
        curves = delays.against_users(world, users, seeds)
        heat_map = [
            {"users": each.users, "edges": each.edges, "weights": weights, "percent": percent,
             "paper_percent": memory_rows.STATED_PERCENT}
            for each in reductions
            for weights, percent in (("weights for each instance", each.replicated), ("common weights", each.shared))
        ]  # fmt: skip
        return Theory(
            rows=[*memory_rows.rows(world, reductions, held), *delays.rows(curves)],
            figures=[
                TableFigure(stem="reduction", module="analysis.figures.reductions", table=heat_map),
                TableFigure(stem="delay", module="analysis.figures.study", table=rows_of(curves)),
                RunsFigure(wish={"kind": "memory"}, runs=[folder / "memory" / label for label in held]),
            ],
        )

    def learned(self, trained: Trained, experiment: str) -> list[Row]:
        """Perplexity beside that of split-fed learning."""
        from cosim.reproduce.splitllm import learning  # noqa: PLC0415

        return learning.rows(trained)
