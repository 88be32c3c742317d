"""Pilot runs: a scenario's scheme with different numbers of local steps, and the rounds that each takes to a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from cosim.calibration import Point
from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.entries import entries

Curves = Mapping[tuple[int, int], Sequence[float]]
"""Held-out losses at the ends of rounds 0, 1 and so on, by the run's local steps and seed."""


def parse_runs(steps: str, rounds: str | None) -> dict[int, int | None]:
    """``1,2,4``: at least two different numbers of local steps; ``24`` rounds of each, ``24,12,6``, or None unsaid.

    Raises:
        ScenarioError: something else.
    """
    of_steps = _whole_numbers(steps)
    if len(set(of_steps)) < max(2, len(of_steps)):
        raise ScenarioError(f"--steps {steps}: expected at least two whole numbers, each once, such as 1,2,4,8,16")
    if rounds is None:
        return dict.fromkeys(sorted(of_steps))
    of_rounds = _whole_numbers(rounds)
    if len(of_rounds) not in (1, len(of_steps)):
        raise ScenarioError(
            f"--rounds {rounds}: expected a whole number, such as 24, or one for each of --steps {steps}"
        )
    return dict(sorted(zip(of_steps, of_rounds * (len(of_steps) // len(of_rounds)), strict=True)))


def _whole_numbers(text: str) -> list[int]:
    """Those between commas; none if there is anything but numbers from 1 on."""
    parts = [part.strip() for part in text.split(",")]
    return [int(part) for part in parts] if all(part.isdecimal() and int(part) for part in parts) else []


def pilot(scenario: Scenario, runs: Mapping[int, int | None]) -> Scenario:
    """The comparison of the scenario's scheme with itself, with these local steps, evaluated after every round.

    ``runs`` has the rounds by local steps, None for as many as the scheme has. A scheme that asks theory how many there
    are is given one that never has fewer: its own is what is to be found.

    Raises:
        ScenarioError: the scheme has no ``local_steps``, or an analytic run, which learns nothing.
    """
    if scenario.execution == "analytic":
        raise ScenarioError("execution = 'analytic': such a run learns nothing; expected deferred or eager")
    entry = entries(scenario)[0]
    known = entry.scheme.Options.model_fields
    if "local_steps" not in known:
        raise ScenarioError(
            f"scheme.name = {entry.options.name!r}: has no local_steps, by which it could be calibrated"
        )
    schemes = []
    for steps, wanted in runs.items():
        rounds = wanted or entry.options.rounds
        options = {"rounds": rounds, "local_steps": steps, "label": f"steps-{steps}"}
        never_fewer = {"convergence": {"a": rounds, "v": steps}} if "convergence" in known else {}
        schemes.append({**scenario.scheme, **options, **never_fewer})
    every_round = scenario.evaluation.model_copy(update={"every": 1})
    changes = {"scheme": schemes[0], "compare": tuple(schemes[1:]), "evaluation": every_round}
    return scenario.model_copy(update=changes)


def rounds_until(losses: Sequence[float], target: float) -> float:
    """Rounds until ``losses``, at the ends of rounds 0, 1 and so on, first are at most ``target``; infinite if never.

    In between, the loss is taken to go smoothly through the ends next to it, and nowhere beyond them (Fritsch and
    Butland's monotone cubic). Losses bend upwards; straight lines would have the target reached later, the more so
    the fewer rounds it takes, and local steps would seem to be worth less than they are.
    """
    reached = next((number for number, loss in enumerate(losses) if loss <= target), None)
    if reached is None:
        return inf
    ends = [number for number in range(max(0, reached - 2), min(reached + 2, len(losses))) if isfinite(losses[number])]
    if reached - 1 not in ends:
        return float(reached)
    curve = PchipInterpolator(ends, [losses[number] for number in ends])
    if curve(reached) >= target:  # the curve's last end, but for rounding
        return float(reached)
    return float(brentq(lambda number: curve(number) - target, reached - 1, reached))


def common_target(curves: Curves) -> float:
    """The best loss that every curve reaches."""
    return max(float(np.nanmin(losses)) for losses in curves.values())


def points_to(curves: Curves, target: float) -> list[Point]:
    """The rounds that each run took, whose losses stand by local steps and seed.

    Raises:
        ValueError: a run never reaches the target, or had reached it before it began.
    """
    found = [Point(steps, seed, rounds_until(losses, target)) for (steps, seed), losses in curves.items()]
    if never := [point for point in found if point.rounds == inf]:
        raise ValueError(f"not reached {_by(never, curves, np.nanmin)}; try more --rounds, or choose another")
    if before := [point for point in found if point.rounds == 0.0]:
        raise ValueError(
            f"reached before any training {_by(before, curves, lambda losses: losses[0])}; choose a lower one"
        )
    return sorted(found)


def _by(points: Sequence[Point], curves: Curves, telling: Callable[[Sequence[float]], float]) -> str:
    """Which runs these are, each with the loss that tells of it."""
    runs = (
        f"n = {point.steps} local steps, seed {point.seed} ({telling(curves[point.steps, point.seed]):.4g})"
        for point in points
    )
    return "by " + "; ".join(runs)
