"""How fast learning converges, for schemes that choose a local accuracy: by theory, or as a pilot run has shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from cosim.allocation.learning_model import LearningModel
from cosim.scenario.paths import FilePath
from cosim.scenario.section import Section, default


class Convergence(Section):
    """Rounds a / (1 - eta) of v log2(1 / eta) local iterations: ``a`` and ``v`` themselves, as ``cosim calibrate`` has
    found them in a file, or by the constants of the losses (Yang et al., arXiv 1911.02417)."""

    a: float | None = default(None, "of the rounds", gt=0, strict=True)
    v: float | None = default(None, "of the local iterations", gt=0, strict=True)
    calibration: FilePath | None = default(None, "the file calibration.json of cosim calibrate, for both")
    smoothness: float = default(4.0, "L of L-smooth losses", gt=0, strict=True)
    convexity: float = default(2.0, "gamma of gamma-strongly convex losses", gt=0, strict=True)
    step: float = default(0.1, "of the gradient, between 0 and 2 / L", gt=0, strict=True)
    xi: float = default(0.1, "weight of the gradients' difference in the local problem", gt=0, strict=True)
    accuracy: float = default(1e-3, "global accuracy at which learning ends", gt=0, lt=1, strict=True)

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        if (self.a is None) != (self.v is None):
            raise ValueError("a and v go together, such as 'a: 160' and 'v: 4'")
        if self.a is not None and self.calibration is not None:
            raise ValueError("give either a and v, or the calibration that has both")
        if self.a is None and self.calibration is None:
            self.model()
        return self

    def model(self) -> LearningModel:
        """The two numbers.

        Raises:
            ValueError: the calibration cannot be read.
        """
        if self.a is not None and self.v is not None:
            return LearningModel(a=self.a, v=self.v)
        if self.calibration is not None:
            return _calibrated(self.calibration)
        return LearningModel.of_losses(
            smoothness=self.smoothness, convexity=self.convexity, step=self.step, xi=self.xi, accuracy=self.accuracy
        )


def _calibrated(file: str) -> LearningModel:
    try:
        found: dict[str, Any] = json.loads(Path(file).expanduser().read_text(encoding="utf-8"))
        return LearningModel(a=float(found["a"]), v=float(found["v"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(
            f"calibration = {file!r}: not a file of cosim calibrate, which has a and v ({error})"
        ) from error
