"""How fast real training converges: a and v of the learning model, by the rounds that pilot runs took.

Theory has a / (1 - eta) global rounds of v log2(1 / eta) local iterations (``LearningModel``). Of real training nobody
sees the local accuracy eta, but with n local iterations a round it is 2^(-n / v), so that a target is reached after

    R(n) = a / (1 - 2^(-n / v))

rounds, which runs with different n do show. A local iteration is a mini-batch of each user, one optimiser step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf, log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import stdtrit

from cosim.allocation.learning_model import LearningModel

CONFIDENCE = 0.95
POOR_FIT = 0.9
"""Share of the variance of log R below which the model does not describe the runs."""
SLOWEST = 100.0
"""Times the most local steps, up to where v is sought: there R n is constant to a third of a percent, as beyond."""
FASTEST = 10.0
"""Part of the fewest local steps, down to where v is sought: there R is a to a thousandth, as below."""
_GRID = 8001  # values of log v: ends of intervals are known to about a tenth of a percent
_TOLERANCE = 1e-15
_ROUNDING = 1e-20  # of a squared difference of logarithms, below which it is none

Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, order=True)
class Point:
    """A pilot run: ``rounds`` until the target, interpolated, with ``steps`` local iterations a round."""

    steps: int
    seed: int
    rounds: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What points say of a and v.

    ``a_interval`` and ``v_interval`` hold them with `CONFIDENCE`, each whatever the other is, for independent normal
    errors of log R, by the ratio of likelihoods; an end that is 0 or infinite is open: the points do not tell.
    None where there are but two points, through which a curve always goes. ``r2`` is the share of the variance
    of log R that the model explains, NaN where there is none. ``notes`` say in words what to make of it.
    """

    model: LearningModel
    a_interval: Interval | None
    v_interval: Interval | None
    r2: float
    points: tuple[Point, ...]

    @property
    def notes(self) -> list[str]:
        """What is doubtful: a line each, none where nothing is."""
        return [*_identified(self), *_described(self)]

    def content(self) -> dict[str, Any]:
        """What a file says of it."""
        return {
            "a": self.model.a,
            "v": self.model.v,
            "confidence": CONFIDENCE,
            "a_interval": None if self.a_interval is None else list(self.a_interval),
            "v_interval": None if self.v_interval is None else list(self.v_interval),
            "r2": self.r2,
            "points": [asdict(point) for point in self.points],
            "notes": self.notes,
        }


def calibrate(points: Sequence[Point]) -> Calibration:
    """The a and v whose R(n) is nearest to the points, by least squares in log R.

    Raises:
        ValueError: not two different numbers of local steps, or a number of rounds that is not positive.
    """
    steps = np.array([point.steps for point in points], dtype=np.float64)
    if len(np.unique(steps)) < 2:
        raise ValueError("expected at least two different numbers of local steps")
    if not all(0.0 < point.rounds < inf for point in points):
        raise ValueError("expected positive numbers of rounds")
    profile = _Profile.of(steps, np.log([point.rounds for point in points]))
    log_a, log_v = _nearest(profile)
    squares = profile.squares(log_a, log_v)
    variance = float(np.sum((profile.log_rounds - profile.log_rounds.mean()) ** 2))
    a_interval, v_interval = _intervals(profile, log_a, log_v, squares)
    return Calibration(
        model=LearningModel(a=float(np.exp(log_a)), v=float(np.exp(log_v))),
        a_interval=a_interval,
        v_interval=v_interval,
        r2=1.0 - squares / variance if variance > _ROUNDING * len(points) else float("nan"),
        points=tuple(points),
    )


@dataclass(frozen=True)
class _Profile:
    """For each of many v the a that goes best with it, and what is left of the squares."""

    steps: Floats  # (point,)
    log_rounds: Floats  # (point,)
    log_v: Floats  # (value,), from where R is a to where R n is constant
    log_a: Floats  # (value,)
    left: Floats  # (value,)

    @classmethod
    def of(cls, steps: Floats, log_rounds: Floats) -> _Profile:
        log_v = np.linspace(log(steps.min() / FASTEST), log(steps.max() * SLOWEST), _GRID)
        log_a = log_rounds - _log_shape(steps, log_v[:, None])  # (value, point): what each point says
        return cls(steps, log_rounds, log_v, log_a.mean(axis=1), np.sum((log_a.T - log_a.mean(axis=1)) ** 2, axis=0))

    def differences(self, log_a: float, log_v: float) -> Floats:
        """Of the model from the points, in log R."""
        return log_a + _log_shape(self.steps, log_v) - self.log_rounds

    def squares(self, log_a: float, log_v: float) -> float:
        """Their sum of squares."""
        return float(np.sum(self.differences(log_a, log_v) ** 2))


def _log_shape(steps: Floats, log_v: Floats | float) -> Floats:
    """log (R / a)."""
    return -np.log(-np.expm1(-log(2.0) * steps / np.exp(log_v)))


def _slopes(steps: Floats, log_v: float) -> Floats:
    """How log R goes with log a and log v, a row a point."""
    x = log(2.0) * steps / np.exp(log_v)
    return np.stack([np.ones_like(x), x / np.expm1(x)], axis=1)


def _nearest(profile: _Profile) -> tuple[float, float]:
    best = int(np.argmin(profile.left))
    found = least_squares(
        lambda logs: profile.differences(*logs),
        (profile.log_a[best], np.clip(profile.log_v[best], *profile.log_v[[1, -2]])),
        jac=lambda logs: _slopes(profile.steps, logs[1]),
        bounds=([-inf, profile.log_v[0]], [inf, profile.log_v[-1]]),
        ftol=_TOLERANCE,
        xtol=_TOLERANCE,
        gtol=_TOLERANCE,
    )
    log_a, log_v = found.x
    return float(log_a), float(log_v)


def _intervals(
    profile: _Profile, log_a: float, log_v: float, squares: float
) -> tuple[Interval, Interval] | tuple[None, None]:
    """Of a and of v: all that leave hardly more squares than the best, whichever the other is.

    Open at an end where no v is too far out.
    """
    freedom = len(profile.steps) - 2
    if freedom == 0:
        return None, None
    student = float(stdtrit(freedom, (1.0 + CONFIDENCE) / 2.0))
    most = squares * (1.0 + student**2 / freedom) + _ROUNDING * len(profile.steps)
    near = profile.left <= most
    reach = np.sqrt((most - profile.left[near]) / len(profile.steps))
    lows, highs = profile.log_a[near] - reach, profile.log_a[near] + reach
    below, above = bool(near[0]), bool(near[-1])
    within = profile.log_v[near]
    return (
        (0.0 if above else float(np.exp(np.min(lows, initial=log_a))), float(np.exp(np.max(highs, initial=log_a)))),
        (
            0.0 if below else float(np.exp(np.min(within, initial=log_v))),
            inf if above else float(np.exp(np.max(within, initial=log_v))),
        ),
    )


def _identified(found: Calibration) -> list[str]:
    """Whether both ends of v's interval are known."""
    if found.v_interval is None:
        return ["two points say nothing of how sure a and v are; more --steps or --seeds do"]
    low, high = found.v_interval
    most, fewest = max(found.points).steps, min(found.points).steps
    if low == 0.0 and high == inf:
        return ["v is not identified: the points do not say how rounds go with local steps; more --seeds may"]
    if high == inf:
        product = found.model.a * found.model.v
        return [
            f"v is not identified: up to n = {most} local steps rounds fall as fast as 1 / n, and only "
            f"a v = {product:.4g} is known; try more local steps"
        ]
    if low == 0.0:
        return [
            f"v is not identified: rounds of n = {fewest} local steps come as far as those of {most}, and only a = "
            f"{found.model.a:.4g} rounds is known; try fewer local steps"
        ]
    return []


def _described(found: Calibration) -> list[str]:
    """Whether the model describes the points, and these what they should."""
    notes = []
    if found.r2 < POOR_FIT:
        notes.append(f"the fit is poor (R2 = {found.r2:.2f}): rounds do not go as a / (1 - 2^(-n / v))")
    if early := sorted({point.steps for point in found.points if point.rounds < 1.0}):
        notes.append(
            f"with n = {', '.join(map(str, early))} local steps the target was reached within the first round, where "
            "the loss is not known: a lower one needs more --rounds, and tells more"
        )
    return notes
