"""How many steps learning takes, by the accuracy to which each round is solved locally."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Values = float | NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LearningModel:
    """Rounds a / (1 - eta), each of v log2(1 / eta) local iterations, at the local accuracy eta in (0, 1).

    eta -> 0 is the exact solution of the local problem, for which few rounds suffice. Source: Yang et al., "Energy
    Efficient Federated Learning Over Wireless Communication Networks" (arXiv 1911.02417), lemmas 1 and 2. ValueError
    unless both are positive.
    """

    a: float
    v: float

    def __post_init__(self) -> None:
        for name in ("a", "v"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")

    @classmethod
    def of_losses(cls, *, smoothness: float, convexity: float, step: float, xi: float, accuracy: float) -> Self:
        """Of losses that are L-smooth and gamma-strongly convex, learnt in gradient steps up to a global ``accuracy``.

        ValueError unless ``step`` is in (0, 2 / L), and ``accuracy`` in (0, 1).
        """
        if not 0.0 < step < 2.0 / smoothness:
            raise ValueError(f"step must be between 0 and 2 / L = {2.0 / smoothness}, got {step}")
        if not 0.0 < accuracy < 1.0:
            raise ValueError(f"accuracy must be between 0 and 1, got {accuracy}")
        return cls(
            a=2.0 * smoothness**2 / (convexity**2 * xi) * math.log(1.0 / accuracy),
            v=2.0 / ((2.0 - smoothness * step) * step * convexity),
        )

    def rounds(self, eta: Values) -> Values:
        """Global rounds."""
        return self.a / (1.0 - eta)

    def iterations(self, eta: Values) -> Values:
        """Local iterations a round."""
        return -self.v * np.log2(eta)

    def accuracy(self, iterations: Values) -> Values:
        """The local accuracy eta that so many local iterations come to."""
        return np.exp2(-np.asarray(iterations) / self.v)

    def iterations_slope(self, eta: Values) -> Values:
        """How ``iterations`` change with eta."""
        return -self.v / (eta * math.log(2.0))
