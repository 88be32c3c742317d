"""FedBuff: what several users have moved makes a step of the server, whatever they began from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from cosim.aggregation.base import Mixture
from cosim.aggregation.staleness import Decline, Discount


@dataclass(frozen=True, kw_only=True)
class FedBuff:
    """Buffered asynchronous aggregation (Nguyen et al. 2022, arXiv 2106.06639).

    The server's model moves by ``server_lr`` times the mean of what ``buffer`` reports have moved, each discounted for
    its staleness t, by 1 / sqrt(1 + t) if nothing else is said. The mean is by samples, as FedAvg's, which is the
    paper's plain one where users hold equally many; it is of discounted reports, and not divided by the discounts.
    ValueError unless ``buffer`` and ``server_lr`` are positive.
    """

    buffer: int
    server_lr: float = 1.0
    staleness: Decline = "polynomial"
    a: float = 0.5
    b: int | None = None
    needs_beginnings = True

    def __post_init__(self) -> None:
        if type(self.buffer) is not int or self.buffer < 1:
            raise ValueError(
                f"buffer = {self.buffer!r}: expected how many reports make a step, a whole number from 1 on"
            )
        if type(self.server_lr) not in {int, float} or not 0.0 < self.server_lr < float("inf"):
            raise ValueError(f"server_lr = {self.server_lr!r}: expected a positive number")
        _ = self._discount

    def mixture(self, samples: Sequence[int], staleness: Sequence[int]) -> Mixture:
        """See ``Aggregation.mixture``."""
        rate, total = Fraction(self.server_lr), sum(samples)
        parts = tuple(
            rate * self._discount.factor(age) * Fraction(count, total)
            for count, age in zip(samples, staleness, strict=True)
        )
        return Mixture(own=Fraction(1), trained=parts, began=tuple(-part for part in parts))

    @cached_property
    def _discount(self) -> Discount:
        return Discount(decline=self.staleness, a=self.a, b=self.b)
