"""What is seen of a run round by round: the learning metrics, and what it has cost so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cosim.recorder import Activity
from cosim.scenario.models import Evaluation
from cosim.schemes.base import Round
from cosim.world import World

if TYPE_CHECKING:
    from training.evaluation import Metrics
    from training.learning import Learning

Row = dict[str, Any]
"""One line of ``rounds.parquet``."""


class Observer:
    """Evaluates the model at the ends of rounds, outside simulated time, and adds up bytes and energy."""

    def __init__(
        self, world: World, learning: Learning, evaluation: Evaluation, last_round: int, tell: Callable[[Row], None]
    ) -> None:
        self.rows: list[Row] = []
        self.last: Round | None = None
        self._world = world
        self._learning = learning
        self._evaluation = evaluation
        self._last_round = last_round
        self._tell = tell
        self._counted = 0
        self._sums: dict[str, float] = defaultdict(float)
        self._role = {node.name: node.role for node in world.nodes}

    def __call__(self, ended: Round) -> None:
        """Note the end of a round; round 0 is the model before training."""
        self._add_up()
        self.last = ended
        metrics, train_loss = self._values(ended)
        row: Row = {
            "round": ended.number,
            "sim_time_s": self._world.clock.now_s,
            "train_loss": train_loss,
            "loss": None if metrics is None else metrics.loss,
            "perplexity": None if metrics is None else metrics.perplexity,
            "accuracy": None if metrics is None else metrics.accuracy,
            **{f"{kind}_bytes": int(self._sums[kind]) for kind in ("uplink", "downlink", "backhaul")},
            **{f"{role}_energy_j": self._sums[role] for role in ("user", "edge", "cloud")},
        }
        self.rows.append(row)
        self._tell(row)

    def _values(self, ended: Round) -> tuple[Metrics | None, float | None]:
        """Metrics and mean training loss, asked for together; none in an analytic run, or between evaluations."""
        runtime = self._learning.runtime
        if not runtime.computes_values:
            return None, None
        due = ended.number % self._evaluation.every == 0 or ended.number == self._last_round
        wanted = [self._learning.evaluate(ended.adapters)] if due else []
        values = runtime.values([*wanted, *ended.losses])
        losses = values[len(wanted) :]
        return values[0] if due else None, sum(losses) / len(losses) if losses else None

    def _add_up(self) -> None:
        new: list[Activity] = self._world.recorder.activities[self._counted :]
        self._counted += len(new)
        for activity in new:
            self._sums[activity.kind] += activity.bytes
            self._sums[self._role[activity.node]] += activity.energy_j
