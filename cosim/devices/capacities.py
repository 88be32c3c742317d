"""The devices that people have, from a file: how much faster or slower each is than the one in the middle.

Files such as FedScale's (F. Lai et al., "FedScale", ICML 2022) give times for a model and a framework of their own.
What carries over to other work is the ratio between two devices, so only ratios to the median are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from channel_models.randomness import Stream
from cosim.devices.tables import read_columns

if TYPE_CHECKING:
    from cosim.scenario.compute import Capacities


@dataclass(frozen=True, kw_only=True)
class Population:
    """Kinds of device: ``relative_speed`` (kinds,), the median being 1, and ``weight`` (kinds,), how common each is."""

    relative_speed: NDArray[np.float64]
    weight: NDArray[np.float64]

    def draw(self, stream: Stream, count: int) -> NDArray[np.float64]:
        """Relative speeds (count,) of that many owners, one draw for each, in proportion to the weights."""
        below = np.cumsum(self.weight)
        kinds = np.searchsorted(below, stream.uniform(np.arange(count), 0) * below[-1], side="right")
        drawn: NDArray[np.float64] = self.relative_speed[kinds]
        return drawn


def read_population(wanted: Capacities) -> Population:
    """The devices in a file, each row one kind; rows count equally unless a column has their weights.

    Raises:
        ValueError: the file cannot be read, has no such column or row, or a cell is no positive finite number.
    """
    weight_column = [] if wanted.weight_column is None else [wanted.weight_column]
    values, *weights = read_columns(wanted.file, [wanted.column, *weight_column], wanted.where)
    weight = weights[0] if weights else np.ones(len(values))
    ratio = values / weighted_median(values, weight)
    return Population(relative_speed=1 / ratio if wanted.column_is == "time" else ratio, weight=weight)


def weighted_median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """The median of ``values`` (n,) were each there ``weight`` (n,) times; midway where two values halve them."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    middle = [np.searchsorted(below, below[-1] / 2, side=side) for side in ("left", "right")]
    return float(values[order][middle].mean())
