"""The devices that people have, from a file: how much faster or slower each is than the one in the middle.

Files such as FedScale's (F. Lai et al., "FedScale", ICML 2022) give times for a model and a framework of their own.
What carries over to other work is the ratio between two devices, so only ratios to the median are used. Memory is
absolute.
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
    """Kinds of device: ``relative_speed`` (kinds,), the median being 1, and ``weight`` (kinds,), how common each is.

    ``memory_bytes`` (kinds,), where it is known.
    """

    relative_speed: NDArray[np.float64]
    weight: NDArray[np.float64]
    memory_bytes: NDArray[np.float64] | None = None

    def draw(self, stream: Stream, count: int) -> NDArray[np.float64]:
        """Relative speeds (count,) of that many owners, one draw for each, in proportion to the weights."""
        drawn: NDArray[np.float64] = self.relative_speed[self._kinds(stream, count)]
        return drawn

    def memories(self, stream: Stream, count: int) -> list[float] | None:
        """Bytes of memory of the same owners' devices, if known."""
        return None if self.memory_bytes is None else self.memory_bytes[self._kinds(stream, count)].tolist()

    def _kinds(self, stream: Stream, count: int) -> NDArray[np.int64]:
        below = np.cumsum(self.weight)
        kinds: NDArray[np.int64] = np.searchsorted(below, stream.uniform(np.arange(count), 0) * below[-1], side="right")
        return kinds


def read_population(wanted: Capacities) -> Population:
    """The devices in a file, each row one kind; rows count equally unless a column has their weights.

    Raises:
        ValueError: the file cannot be read, has no such column or row, or a cell is no positive finite number.
    """
    names = [name for name in (wanted.column, wanted.weight_column, wanted.memory_column) if name is not None]
    columns = dict(zip(names, read_columns(wanted.file, names, wanted.where), strict=True))
    values = columns[wanted.column]
    weight = np.ones(len(values)) if wanted.weight_column is None else columns[wanted.weight_column]
    ratio = values / weighted_median(values, weight)
    return Population(
        relative_speed=1 / ratio if wanted.column_is == "time" else ratio,
        weight=weight,
        memory_bytes=None if wanted.memory_column is None else columns[wanted.memory_column] * wanted.memory_unit,
    )


def weighted_median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """The median of ``values`` (n,) were each there ``weight`` (n,) times; midway where two values halve them."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    middle = [np.searchsorted(below, below[-1] / 2, side=side) for side in ("left", "right")]
    return float(values[order][middle].mean())
