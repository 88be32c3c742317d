"""What an asynchronous aggregation is told, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """What the new model is the weighted sum of; all weights together are one.

    ``own`` is the weight of the server's present model; of each report, there is that of what was ``trained`` and that
    of the model it ``began`` from. The weights are exact, so that those of one and the same model add up without
    rounding: where nothing is stale, the present model drops out.
    """

    own: Fraction
    trained: tuple[Fraction, ...]
    began: tuple[Fraction, ...]


class Aggregation(Protocol):
    """Waits for ``buffer`` reports, and makes a new model of them."""

    @property
    def buffer(self) -> int:
        """How many reports a new model is made of."""
        ...

    @property
    def needs_beginnings(self) -> bool:
        """Whether the server must keep the models that reports began from."""
        ...

    def mixture(self, samples: Sequence[int], staleness: Sequence[int]) -> Mixture:
        """The weights for reports of so many training sequences, each begun so many models ago."""
        ...
