"""What is seen of a run round by round: the learning metrics, and what it has cost so far."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cosim.divergence import Diverged, Divergence, first_unsound
from cosim.recorder import PAYLOADS
from cosim.scenario.learning import Evaluation
from cosim.schemes.stage import Round
from cosim.world import World

if TYPE_CHECKING:
    from training.jobs import Ref
    from training.learning import Learning

Row = dict[str, Any]
"""One line of ``rounds.parquet``."""


@dataclass(frozen=True, kw_only=True)
class _Losses:
    """The training losses of a round, not known yet: their mean, and each, in their order, with whose it is."""

    row: Row
    mean: Ref
    clients: Sequence[str]
    each: Sequence[Ref]


class Observer:
    """Evaluates the model at the ends of rounds, outside simulated time, and adds up bytes and energy.

    ``tell`` hears of each round when all of its row is known. A loss that is not finite ends the run (``Diverged``),
    with ``last`` the last round known to be sound.
    """

    def __init__(self, world: World, learning: Learning, evaluation: Evaluation) -> None:
        self.rows: list[Row] = []
        self.tell: Callable[[Row], None] = lambda _: None
        self.last: Round | None = None
        self._world = world
        self._learning = learning
        self._evaluation = evaluation
        self._untold: list[Row] = []
        self._losses: list[_Losses] = []
        self._sound: Round | None = None
        self._counted = 0
        self._sums: dict[str, float] = defaultdict(float)
        self._samples = 0
        self._role = {node.name: node.role for node in world.nodes}

    @property
    def ended_round(self) -> int:
        """The last round that has ended; 0 before the first."""
        return int(self.rows[-1]["round"]) if self.rows else 0

    @property
    def ended_s(self) -> float:
        """When it ended, in simulated seconds."""
        return float(self.rows[-1]["sim_time_s"]) if self.rows else 0.0

    def __call__(self, ended: Round) -> None:
        """Note the end of a round; round 0 is the model before training."""
        self._add_up()
        self.last = ended
        self._samples += ended.samples
        row: Row = {
            "round": ended.number,
            "sim_time_s": self._world.clock.now_s,
            "samples": self._samples,
            "reports": len(ended.staleness),
            "mean_staleness": sum(ended.staleness) / len(ended.staleness) if ended.staleness else None,
            "max_staleness": max(ended.staleness, default=None),
            **dict.fromkeys(("train_loss", "loss", "perplexity", "accuracy", "f1")),
            **{f"{kind}_bytes": int(self._sums[kind]) for kind in ("uplink", "downlink", "backhaul")},
            **{f"{role}_energy_j": self._sums[role] for role in ("user", "edge", "cloud")},
        }
        self.rows.append(row)
        self._untold.append(row)
        if ended.losses and self._learning.runtime.computes_values:
            mean = self._learning.mean_loss(ended.losses)
            self._losses.append(_Losses(row=row, mean=mean, clients=ended.clients, each=ended.losses))
        ended.losses, ended.clients = [], []
        if ended.number % self._evaluation.every == 0 or ended.last:
            self._look(ended, row)
        if not ended.last:
            ended.states = ()  # held any longer, they would be in memory beside those of the next round
        if row["loss"] is not None or not self._learning.runtime.computes_values:
            self._tell_all()
        if row["loss"] is not None:
            self._require_sound(ended, row)

    def _look(self, ended: Round, row: Row) -> None:
        """Ask for metrics, and for the training losses since the last time, all together; none in an analytic run."""
        runtime = self._learning.runtime
        if not runtime.computes_values:
            return
        metrics, losses = self._learning.evaluate(ended.adapters), [losses.mean for losses in self._losses]
        found, *means = runtime.values([metrics, *losses])
        perplexity = None if self._learning.classifies else found.perplexity
        row |= {"loss": found.loss, "perplexity": perplexity, "accuracy": found.accuracy, "f1": found.f1}
        for earlier, mean in zip(self._losses, means, strict=True):
            earlier.row["train_loss"] = mean
        runtime.keep([*ended.adapters, *ended.states, *losses, metrics])

    def _require_sound(self, ended: Round, row: Row) -> None:
        """Raise ``Diverged`` if any loss since the last evaluation is not finite."""
        held, self._losses = self._losses, []
        kept = None if self._sound is None else self._sound.number
        for losses in held:
            if not math.isfinite(losses.row["train_loss"]):
                found = first_unsound(losses.clients, self._learning.runtime.values(losses.each))
                client, step, loss = found or (None, None, losses.row["train_loss"])
                self.last = self._sound
                where = Divergence(round=losses.row["round"], loss=loss, client=client, step=step, kept_round=kept)
                raise Diverged(where)
        if not math.isfinite(row["loss"]):
            self.last = self._sound
            raise Diverged(Divergence(round=ended.number, loss=row["loss"], client=None, step=None, kept_round=kept))
        self._sound = replace(ended, adapters=tuple(ended.adapters))

    def _tell_all(self) -> None:
        untold, self._untold = self._untold, []
        for row in untold:
            self.tell(row)

    def _add_up(self) -> None:
        activities, first = self._world.recorder.activities, self._counted
        self._counted = len(activities)
        for kind, nbytes in activities.totals("kind", PAYLOADS, first).items():
            self._sums[kind] += nbytes
        for node, energy_j in activities.totals("node", ["energy_j"], first).items():
            self._sums[self._role[node]] += energy_j
