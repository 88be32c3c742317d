"""FedAsync: every report at once becomes a part of the server's model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from cosim.aggregation.base import Mixture
from cosim.aggregation.staleness import Decline, Discount


@dataclass(frozen=True, kw_only=True)
class FedAsync:
    """Asynchronous federated optimisation (Xie et al. 2019, arXiv 1903.03934).

    The new model is (1 - m) times the present one plus m times the reported one, where m is ``mixing`` discounted for
    the report's staleness. The paper's penalty on how far users go from where they began is left out. ValueError unless
    ``mixing`` is above 0 and at most 1.
    """

    mixing: float
    staleness: Decline = "polynomial"
    a: float = 0.5
    b: int | None = None
    buffer = 1
    needs_beginnings = False

    def __post_init__(self) -> None:
        if type(self.mixing) not in {int, float} or not 0.0 < self.mixing <= 1.0:
            raise ValueError(f"mixing = {self.mixing!r}: expected a number above 0 and at most 1")
        _ = self._discount

    def mixture(self, samples: Sequence[int], staleness: Sequence[int]) -> Mixture:
        """See ``Aggregation.mixture``; samples play no part."""
        (age,) = staleness
        part = Fraction(self.mixing) * self._discount.factor(age)
        return Mixture(own=1 - part, trained=(part,), began=(Fraction(0),))

    @cached_property
    def _discount(self) -> Discount:
        return Discount(decline=self.staleness, a=self.a, b=self.b)
