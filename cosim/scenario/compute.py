"""How fast nodes compute, and what that costs in energy."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import model_validator

from cosim.scenario.paths import FilePath
from cosim.scenario.quantities import Bytes, FlopPerSecond, Hertz, Watts
from cosim.scenario.section import Count, Fraction, Section, default


def _says(given: Any, key: str) -> bool:
    """Whether an unchecked section has a value under ``key``."""
    return isinstance(given, dict) and given.get(key) is not None


class Compute(Section):
    """A processor, of a given speed or as measured; ``speed`` is null beside a profile.

    Its energy is power times time, plus kappa f^2 a cycle where a clock frequency is given. The clock is taken to be in
    proportion to the speed: a node that is drawn twice as fast has twice the frequency.
    """

    speed: FlopPerSecond | None = default("20 TFLOP/s", "operations a second at full utilisation")
    utilisation: float = default(1.0, "share of the speed that is reached", gt=0, le=1, strict=True)
    profile: FilePath | None = default(None, "CSV file of jobs timed on a device: columns flops and seconds")
    factor: float = default(1.0, "how many times as fast as the device of the profile", gt=0, strict=True)
    jobs: Count = default(1, "that are computed side by side, each at the given speed; more wait in one queue")
    power: Watts = default("400 W", "drawn by each job, whatever the clock")
    frequency: Hertz | None = default(None, "clock at the given speed or with the given profile, for kappa")
    kappa: float = default(0.0, "effective switched capacitance, J s^2 a cycle", ge=0, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _no_default_speed_beside_a_profile(cls, given: Any) -> Any:
        return {"speed": None, **given} if _says(given, "profile") else given

    @model_validator(mode="after")
    def _by_speed_or_by_profile(self) -> Self:
        if (self.speed is None) == (self.profile is None):
            raise ValueError("give either speed or profile, such as 'speed: 20 GFLOP/s'; the other is left out or null")
        if self.profile is not None and self.utilisation != 1:
            raise ValueError("utilisation goes with speed; in the times of a profile it is contained")
        if self.profile is None and self.factor != 1:
            raise ValueError("factor goes with profile; without one, give the speed itself")
        return self

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if bool(self.kappa) != (self.frequency is not None):
            raise ValueError("kappa and frequency go together, such as 'kappa: 1e-28' and 'frequency: 2 GHz'")
        return self


class Capacities(Section):
    """A file of devices, a row each: every node is one of them, and its speed has the row's ratio to the median.

    Memory is the row's own.
    """

    file: FilePath = default(..., "CSV file with a header, also compressed (.csv.gz)")
    column: str = default(..., "how long the devices take, or how much they do in a given time")
    column_is: Literal["time", "rate"] = default("time", "whether more is slower or faster")
    weight_column: str | None = default(None, "how common each row is; else all are alike")
    memory_column: str | None = default(None, "how much memory each row has for training; else no limit")
    memory_unit: Bytes = default("1 GB", "of the numbers in that column")
    where: dict[str, str] = default({}, "take only the rows with this text in this column")


class FleetCompute(Compute):
    """The processors of many nodes, of different speeds; ``spread`` is 0 beside a file, unless it is given."""

    spread: Fraction = default(0.0, "speeds are uniform in speed * [1 - spread, 1 + spread]")
    capacities: Capacities | None = default(None, "how speeds differ; the median device is as fast as said here")

    @model_validator(mode="before")
    @classmethod
    def _no_default_spread_beside_a_file(cls, given: Any) -> Any:
        return {"spread": 0.0, **given} if _says(given, "profile") or _says(given, "capacities") else given

    @model_validator(mode="after")
    def _spread_or_capacities(self) -> Self:
        if self.spread and self.capacities is not None:
            raise ValueError("give either spread or capacities, as both say how speeds differ; spread: 0 is none")
        return self


class UserCompute(FleetCompute):
    """A phone's share for training."""

    speed: FlopPerSecond | None = default("20 GFLOP/s", "operations a second at full utilisation")
    power: Watts = default("5 W", "drawn by each job, whatever the clock")
    spread: Fraction = default(0.5, "speeds are uniform in speed * [1 - spread, 1 + spread]")


class EdgeCompute(FleetCompute):
    """A small accelerator."""

    speed: FlopPerSecond | None = default("2 TFLOP/s", "operations a second at full utilisation")
    power: Watts = default("150 W", "drawn by each job, whatever the clock")
