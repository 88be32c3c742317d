"""How long a processor takes for a job, given the job's floating-point operations.

A time model is anything with the one method of ``TimeModel``. It takes no time for no work, and more for more.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

from cosim.devices.tables import read_columns


class TimeModel(Protocol):
    """Computing time as a function of work."""

    def seconds(self, flops: float) -> float:
        """Time for one job of ``flops``."""
        ...


@dataclass(frozen=True, kw_only=True)
class SteadySpeed:
    """A device that is equally fast at everything, so that times add up however work is cut into jobs."""

    flops_per_s: float

    def seconds(self, flops: float) -> float:
        """Time for ``flops``."""
        return flops / self.flops_per_s


@dataclass(frozen=True, kw_only=True)
class MeasuredProfile:
    """Times measured on a device.

    ``points`` are (FLOPs, seconds) of jobs, in any order. Between two points the time is linear in the FLOPs, below the
    first it goes to zero with them, and beyond the last it goes on with the slope of the last segment. So the points
    themselves are met exactly. Times add up only where one straight line goes through the origin and all points.

    Raises:
        ValueError: there is no point, or the seconds do not rise with the FLOPs, both from zero.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.points:
            raise ValueError("a profile needs at least one point, (FLOPs, seconds)")
        for (flops, seconds), (more_flops, more_seconds) in pairwise(self._knots):
            if not (flops < more_flops and seconds < more_seconds):
                raise ValueError(
                    f"seconds must rise with flops from zero, but {flops:g} FLOPs take {seconds:g} s "
                    f"and {more_flops:g} take {more_seconds:g} s"
                )

    def seconds(self, flops: float) -> float:
        """Time for ``flops``."""
        last = bisect_right(self._knots, flops, key=lambda knot: knot[0]) - 1
        known_flops, known_seconds = self._knots[last]
        return known_seconds + (flops - known_flops) * self._slopes[last]

    @cached_property
    def _knots(self) -> tuple[tuple[float, float], ...]:
        return ((0.0, 0.0), *sorted(self.points))

    @cached_property
    def _slopes(self) -> tuple[float, ...]:
        """Seconds a FLOP from each knot on."""
        slopes = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(self._knots)]
        return (*slopes, slopes[-1])


@dataclass(frozen=True, kw_only=True, slots=True)
class Faster:
    """A device that is ``factor`` times as fast as another at everything; below 1 it is slower."""

    than: TimeModel
    factor: float

    def seconds(self, flops: float) -> float:
        """Time for one job of ``flops``."""
        return self.than.seconds(flops) / self.factor


def read_profile(file: str) -> MeasuredProfile:
    """The profile in a CSV file with the columns ``flops`` and ``seconds``.

    Raises:
        ValueError: the file cannot be read, or what it says is no profile.
    """
    flops, seconds = read_columns(file, ("flops", "seconds")).tolist()
    return MeasuredProfile(points=tuple(zip(flops, seconds, strict=True)))
