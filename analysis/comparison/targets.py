"""What it takes to learn so much: time, traffic and energy until a run's metric reaches a target."""

from dataclasses import dataclass
from math import nan
from typing import Literal

import numpy as np
import pandas as pd

from analysis.load import Results
from analysis.result import Result, with_sums

Best = Literal["lowest", "highest"]

METRICS: dict[str, Best] = {"perplexity": "lowest", "accuracy": "highest"}
"""What learning is measured by, and which way is better."""


NOTHING_LEARNED = "an analytic run, for one, learns nothing"
"""Why a run may have recorded none of them."""

COSTS = {
    "time_to_target_s": "sim_time_s",
    "traffic_to_target_bytes": "traffic_bytes",
    "user_energy_to_target_j": "user_energy_j",
    "energy_to_target_j": "energy_j",
}
"""What it takes to reach a target, and the column of the rounds that tells it."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A value of a metric to be reached: at most so much perplexity, at least so much accuracy."""

    metric: str
    value: float

    def __str__(self) -> str:
        sign = "≤" if METRICS[self.metric] == "lowest" else "≥"
        return f"{self.metric} {sign} {self.value:.4g}"

    def reached(self, values: "pd.Series[float]") -> "pd.Series[bool]":
        """Whether each value reaches it; NaN does not."""
        return values <= self.value if METRICS[self.metric] == "lowest" else values >= self.value


def parse_target(text: str) -> Target:
    """``perplexity=120`` or ``accuracy=0.4``.

    Raises ValueError for another metric, or what is no finite number.
    """
    metric, _, number = (part.strip() for part in text.partition("="))
    try:
        value = float(number)
    except ValueError:
        value = nan
    if metric not in METRICS or not np.isfinite(value):
        raise ValueError(f"target {text!r}: expected {' or '.join(f'{name}=NUMBER' for name in METRICS)}")
    return Target(metric=metric, value=value)


def metric_of(results: Results) -> str | None:
    """The first of `METRICS` that every run recorded, as of classes there is no perplexity; None if there is none."""
    return next((metric for metric in METRICS if all(run.rounds[metric].notna().any() for run in results)), None)


def default_target(results: Results) -> Target | None:
    """The best value that every run reaches: the worst over runs of each one's best. None if no metric is in all."""
    metric = metric_of(results)
    if metric is None:
        return None
    if METRICS[metric] == "lowest":
        return Target(metric=metric, value=max(float(run.rounds[metric].min()) for run in results))
    return Target(metric=metric, value=min(float(run.rounds[metric].max()) for run in results))


def costs_to(run: Result, target: Target) -> dict[str, float]:
    """Time, traffic and energy at the end of the first evaluated round that reaches ``target``; NaN if none does.

    Nothing is interpolated: between two evaluations nobody knows what the model was worth, and a user would have had to
    wait for the second. Traffic is of all links. Energy is given twice, of the users and of all nodes.
    """
    rounds = with_sums(run.rounds)
    first = rounds[target.reached(rounds[target.metric])].head(1)
    return {name: float(first[column].iloc[0]) if len(first) else nan for name, column in COSTS.items()}
